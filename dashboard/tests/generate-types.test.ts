import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { generateTypes } from '../generate-types.mjs';

const directory = mkdtempSync(join(tmpdir(), 'generate-types-'));
const document = join(directory, 'openapi.yaml');
const output = join(directory, 'openapi.d.ts');

const writeDocument = (schema: string): void =>
  writeFileSync(
    document,
    `openapi: 3.1.0
info: { title: test, version: 0.1.0 }
paths: {}
components: { schemas: { ${schema}: { type: object, properties: { id: { type: integer } } } } }
`,
  );

// The generator takes long to load on a busy machine.
vi.setConfig({ testTimeout: 60_000 });
beforeEach(() => rmSync(output, { force: true }));
afterAll(() => rmSync(directory, { recursive: true }));

test('missing types are generated', async () => {
  writeDocument('Product');

  expect(await generateTypes(document, output)).toBe(true);

  expect(readFileSync(output, 'utf8')).toMatch(/Product: \{\s+id\?: number;/);
});

test('types of an unchanged document are kept', async () => {
  writeDocument('Product');
  await generateTypes(document, output);

  expect(await generateTypes(document, output)).toBe(false);
});

test('types of a changed document are generated again', async () => {
  writeDocument('Product');
  await generateTypes(document, output);
  writeDocument('Order');

  expect(await generateTypes(document, output)).toBe(true);

  expect(readFileSync(output, 'utf8')).toContain('Order: {');
  expect(readFileSync(output, 'utf8')).not.toContain('Product: {');
});
