// Makes docs/screenshots anew, on the sample data with some traffic: npm run screenshots.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, TOKENS } from './app.ts';
import { setup } from './browser.ts';
import { DEFAULT_PASSWORD } from './redis-users.ts';

/** Long enough for two rows of the history, which begins with each minute. */
const TRAFFIC_MS = 150_000;
const viewport = { width: 1280, height: 800 };

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

/** Keys of further modules, some of which never expire. */
function modules(): string {
  const many = (count: number, command: (n: number) => string) => Array.from({ length: count }, (_, n) => command(n));
  return [
    ...many(900, (n) => `SET products:${n}:gallery '${'g'.repeat(1500)}'`),
    ...many(400, (n) => `SET seo:pages:${n} '${'p'.repeat(1800)}' EX 7200`),
    ...many(500, (n) => `SET blog:articles:${n}:body '${'b'.repeat(1000 + below(900))}' EX ${100 + below(4000)}`),
    ...many(60, (n) => `RPUSH recommendations:${n} ${'item '.repeat(200)}`),
  ].join('\n');
}

/** Lookups of a service, most of them of a few products. */
async function visitShop(shop: string): Promise<void> {
  const product = () => 4900 + Math.floor(Math.random() ** 3 * 80);
  await Promise.all(Array.from({ length: 30 }, () => fetch(`${shop}/api/products/${product()}`)));
}

function post(path: string, body: object = {}): Promise<Response> {
  return fetch(`${app.url}/api/cache${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

test('the overview, the memory, a preview of a clear, and a key', async () => {
  app.redis('CONFIG', 'SET', 'maxmemory', '64mb');
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru');
  const port = app.redis('CONFIG', 'GET', 'port').split('\n')[1] ?? '';
  execFileSync(join(ROOT, 'scripts/sample-data'), [port.trim()], {
    env: { ...process.env, REDISCLI_AUTH: DEFAULT_PASSWORD },
  });

  const shop = await app.startShop();
  const end = Date.now() + TRAFFIC_MS;
  for (let round = 0; Date.now() < end; round += 1) {
    app.redisAll(traffic());
    await visitShop(shop);
    await post('/warmup/scheduled');
    if (round === 20) await post('/clear', { pattern: 'products:*' });
    await new Promise((resolve) => setTimeout(resolve, 1500 + below(3000)));
  }
  app.redisAll(modules());
  await post('/analysis');

  const overview = await visit('admin', '#/overview?range=15m', { colorScheme: 'dark', viewport });
  await overview.page.getByRole('img', { name: /^Memory: now/ }).waitFor();
  await overview.page.mouse.move(0, 0);
  await overview.page.screenshot({ path: fileOf('overview') });
  expect(overview.faults).toEqual([]);
  await overview.close();

  const memory = await visit('admin', '#/memory', { colorScheme: 'dark', viewport });
  await memory.page.getByRole('group', { name: 'Prefixes' }).waitFor();
  await memory.page.screenshot({ path: fileOf('memory') });
  await memory.close();

  const clear = await visit('admin', '#/clear?by=pattern&pattern=products:*', { colorScheme: 'light', viewport });
  await clear.page.getByRole('button', { name: 'Preview' }).click();
  await clear.page.getByRole('region', { name: 'Preview' }).waitFor();
  await clear.page.screenshot({ path: fileOf('clear') });
  await clear.close();

  const keys = await visit('admin', '#/keys', { colorScheme: 'light', viewport });
  await keys.page.getByRole('grid', { name: 'Keys' }).locator('[data-index="0"]').waitFor();
  await keys.page.goto(`${app.url}/admin#/keys?key=users:1:profile`);
  await keys.page.locator('.detail').getByText('"User 1"').waitFor();
  await keys.page.locator('.detail').getByText('Changes', { exact: true }).waitFor();
  await keys.page.screenshot({ path: fileOf('keys') });
  await keys.close();
});
