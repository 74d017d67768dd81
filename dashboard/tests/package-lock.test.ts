import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('package-lock.json names no registry, so any mirror can serve the packages', () => {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as {
    packages: Record<string, { resolved?: string }>;
  };

  const resolved = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);

  expect(resolved).toEqual([]);
});
