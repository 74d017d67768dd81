import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, test } from 'vitest';

const dashboard = join(import.meta.dirname, '..');

test(
  'the types are those of openapi.yaml; if not, run `npm run types` in dashboard/',
  { timeout: 60_000 },
  async () => {
    const document = new URL(`file://${join(dashboard, '../openapi.yaml')}`);
    const generated = astToString(await openapiTS(document, { defaultNonNullable: false }));
    const kept = readFileSync(join(dashboard, 'src/api/openapi.d.ts'), 'utf8');
    // The command line tool adds a comment at the head.
    expect(kept.endsWith(generated)).toBe(true);
  },
);

test('no address of a registry is in package-lock.json', () => {
  const lock = JSON.parse(readFileSync(join(dashboard, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string }>;
  };
  const resolved = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
  expect(resolved).toEqual([]);
});
