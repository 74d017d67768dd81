// Part 6: tools for developers.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, picture, SIZES, stage, violations } from './browser.ts';
import { refill } from './data.ts';

const { app, visit } = stage();
beforeEach(() => refill(app));

const inspector = (page: Page) => page.getByRole('region', { name: 'Inspector' });
const inspect = async (page: Page, key: string): Promise<void> => {
  await inspector(page).getByLabel('Key').fill(key);
  await page.keyboard.press('Enter');
  await inspector(page).getByText('Freshness').waitFor();
};

test('they are there with ?dev, or with the switch', async () => {
  const { page, close } = await visit('admin', '#/dev');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  expect(await page.getByRole('link', { name: 'DevTools' }).count()).toBe(0);
  await page.getByLabel('DevTools').check();
  await open(page, 'DevTools');
  await close();
  const asked = await visit('admin', '?dev#/dev');
  await asked.page.getByRole('heading', { level: 1, name: 'DevTools' }).waitFor();
  await asked.close();
});

test('a value that a service read through the cache tells its freshness, age, tags and rule', async () => {
  expect((await fetch(`${app.url}/api/products/4985`)).status).toBe(200);
  const { page, faults, close } = await visit('operator', '?dev#/dev');
  const key = app.redis('--scan', '--pattern', 'products:4985*');
  await inspect(page, key);
  const shown = await inspector(page).innerText();
  expect(shown).toMatch(/Freshness\s+fresh for /);
  expect(shown).toMatch(/Age\s+\d+ s/);
  expect(shown).toMatch(/Lock\s+free/);
  expect(shown).toMatch(/Stored\s+.*plain, not compressed/);
  expect(shown).toMatch(/TTL rule\s+\S+ → /);
  await picture(page, 'dev-inspector');
  expect(faults).toEqual([]);
  await close();
});

test('grace, a lock and a value by another client are told as they are', async () => {
  // What the library keeps beside a value of 600 s and 300 s of grace, 700 s after it was stored.
  app.redis('SET', 'seo:page', '{"a":1}', 'EX', 200);
  app.redis(
    'HSET',
    'cache:meta:{seo:page}',
    'life',
    900_000,
    'grace',
    300_000,
    'load',
    42,
    'tags',
    'pages',
    'chunks',
    '',
  );
  app.redis('SET', 'lock:{seo:page}', 'somebody', 'PX', 60_000);
  const { page, close } = await visit('operator', '?dev#/dev');
  await inspect(page, 'seo:page');
  const shown = await inspector(page).innerText();
  expect(shown).toMatch(/in grace past its TTL/);
  expect(shown).toMatch(/5m 0s in all, (3m|2m)/);
  expect(shown).toMatch(/held: somebody is loading it/);
  expect(shown).toContain('pages');
  await inspect(page, 'users:5:profile');
  await inspector(page)
    .getByText(/not stored through the library/)
    .waitFor();
  await inspector(page).getByLabel('Key').fill('no:such');
  await page.keyboard.press('Enter');
  await inspector(page)
    .getByText(/there is no key no:such/)
    .waitFor();
  await close();
});

test('a module is cleared after a preview, and warmed up by force', async () => {
  const { page, close } = await visit('admin', '?dev#/dev');
  await page.getByRole('button', { name: 'users:*' }).click();
  await page.getByRole('button', { name: 'Remove 200 keys' }).click();
  await page.getByText(/Removed 200 keys in/).waitFor();
  await page.getByRole('region', { name: 'Force a warmup' }).getByRole('button', { name: 'users' }).click();
  await page.getByRole('region', { name: 'Latest warmup' }).getByText('done', { exact: true }).waitFor();
  expect(app.redis('EXISTS', 'users:active:count')).toBe('1');
  await close();
});

test('each call tells its time, and the round trips to Redis behind it', async () => {
  const { page, close } = await visit('operator', '?dev#/keys?pattern=users:*');
  await page.getByText('100 loaded').waitFor();
  await open(page, 'DevTools');
  const calls = page.getByRole('region', { name: 'Calls to the API' });
  const row = calls.getByRole('group', { name: 'Latest calls' }).getByRole('row', { name: /GET \/keys\?/ });
  // Two where Redis did not know the script yet.
  expect(await row.first().innerText()).toMatch(
    /200\s+[\d.]+ ms\s+[\d.]+ ms\s+[\d.]+ ms, (1 cmd in 1 trip|2 cmd in 2 trips)/,
  );
  expect(await calls.getByRole('group', { name: 'Summary by operation' }).innerText()).toContain('GET /keys');
  await close();
});

test.each(['light', 'dark'] as const)('axe finds nothing wrong, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '?dev#/dev', { colorScheme, viewport });
    await inspect(page, 'users:1:profile');
    expect(await violations(page)).toEqual([]);
    await picture(page, `dev-${size}-${colorScheme}`);
    await close();
  }
});
