// Makes docs/screenshots anew, on the sample data with some traffic: npm run screenshots.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, TOKENS } from './app.ts';
import { setup } from './browser.ts';
import { DEFAULT_PASSWORD } from './redis-users.ts';

const TRAFFIC_MS = 75_000;
const viewport = { width: 1200, height: 740 };

const digest = createHash('sha256').update(TOKENS.admin).digest('hex');
const { app, visit } = setup({ tokens: `alice:admin:${digest}` });

function fileOf(name: string): string {
  return join(ROOT, 'docs/screenshots', `${name}.png`);
}

function below(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** Reads and writes of other clients. */
function traffic(): string {
  const reads = Array.from({ length: 20 + below(120) }, () => `GET users:${1 + below(440)}:profile`);
  const value = () => 's'.repeat(1000 + below(4000));
  const writes = Array.from({ length: 15 }, () => `SET sessions:${below(4000)}:data '${value()}' EX 900`);
  return [...reads, ...writes].join('\n');
}

test('the overview and a key', async () => {
  app.redis('CONFIG', 'SET', 'maxmemory', '64mb');
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const port = app.redis('CONFIG', 'GET', 'port').split('\n')[1] ?? '';
  execFileSync(join(ROOT, 'scripts/sample-data'), [port.trim()], {
    env: { ...process.env, REDISCLI_AUTH: DEFAULT_PASSWORD },
  });

  const overview = await visit('admin', '', { colorScheme: 'dark', viewport });
  for (const end = Date.now() + TRAFFIC_MS; Date.now() < end;) {
    app.redisAll(traffic());
    await overview.page.waitForTimeout(1500 + below(3000));
  }
  await overview.page.mouse.move(0, 0);
  await overview.page.screenshot({ path: fileOf('overview') });
  expect(overview.faults).toEqual([]);
  await overview.close();

  const keys = await visit('admin', '#/keys', { colorScheme: 'light', viewport });
  await keys.page.getByRole('grid', { name: 'Keys' }).locator('[data-index="0"]').waitFor();
  await keys.page.goto(`${app.url}/admin#/keys?key=users:1:profile`);
  await keys.page.locator('.detail').getByText('"User 1"').waitFor();
  await keys.page.screenshot({ path: fileOf('keys') });
  await keys.close();
});
