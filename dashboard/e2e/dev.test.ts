// DevTools: the inspector, clearing by module, forced warmups, and the cost of calls.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';
import { refill } from './data.ts';
import { withTrailer } from './trailer.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

const inspector = (page: Page) => page.getByRole('region', { name: 'Inspector' });

const inspect = async (page: Page, key: string): Promise<void> => {
  await inspector(page).getByLabel('Key').fill(key);
  await page.keyboard.press('Enter');
  await inspector(page).getByText('Freshness').waitFor();
};

test('DevTools are shown with ?dev, or with the switch', async () => {
  const { page, close } = await visit('admin', '#/dev');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  expect(await page.getByRole('link', { name: 'DevTools' }).count()).toBe(0);

  await page.getByLabel('DevTools').check();
  await open(page, 'DevTools');
  await close();

  const requested = await visit('admin', '?dev#/dev');
  await requested.page.getByRole('heading', { level: 1, name: 'DevTools' }).waitFor();
  await requested.close();
});

test('an entry that a service loaded is shown with its freshness, age, storage and TTL rule', async () => {
  const shop = await app.startShop();
  expect((await fetch(`${shop}/api/products/4985`)).status).toBe(200);
  const { page, faults, close } = await visit('operator', '?dev#/dev');

  await inspect(page, app.redis('--scan', '--pattern', 'products:4985*'));

  const shown = await inspector(page).innerText();
  expect(shown).toMatch(/Freshness\s+fresh for /);
  expect(shown).toMatch(/Age\s+\d+ s/);
  expect(shown).toMatch(/Load lock\s+free/);
  expect(shown).toMatch(/Stored\s+.*plain, not compressed/);
  expect(shown).toMatch(/TTL rule\s+\S+ → /);
  await screenshot(page, 'dev-inspector');
  expect(faults).toEqual([]);
  await close();
});

test('an entry in its grace is shown with its load lock and tags', async () => {
  // An entry with a TTL of 600 s and a grace of 300 s, 700 s after it was stored.
  const storedAt = Date.now() - 700_000;
  const facts = { storedAt, freshFor: 600_000, grace: 300_000, loadTime: 42, tags: ['pages'] };
  app.redis('SET', 'seo:page', withTrailer('{"a":1}', facts), 'EX', 200);
  app.redis('SET', 'lock:{seo:page}', 'somebody', 'PX', 60_000);
  const { page, close } = await visit('operator', '?dev#/dev');

  await inspect(page, 'seo:page');

  const shown = await inspector(page).innerText();
  expect(shown).toMatch(/in grace past its TTL/);
  expect(shown).toMatch(/5m in all, (3m|2m)/);
  expect(shown).toMatch(/Age\s+11m/);
  expect(shown).toMatch(/Load time\s+42/);
  expect(shown).toMatch(/held by a load in flight/);
  expect(shown).toContain('pages');
  await close();
});

test('a foreign value and a missing key are recognised', async () => {
  const { page, close } = await visit('operator', '?dev#/dev');

  await inspect(page, 'users:5:profile');
  await inspector(page)
    .getByText(/another client wrote the value/)
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
  await page.getByRole('radio', { name: /^Delete/ }).check();
  await page.getByLabel(/^Type the number of keys/).fill('200');
  await page.getByRole('button', { name: 'Delete 200 keys' }).click();
  await page.getByText(/200 keys deleted in .*: pattern users/).waitFor();

  await page.getByRole('region', { name: 'Force a warmup' }).getByRole('button', { name: 'users' }).click();

  await page.getByRole('region', { name: 'Latest warmup' }).getByText('done', { exact: true }).waitFor();
  expect(app.redis('EXISTS', 'users:active:count')).toBe('1');
  await close();
});

test('each call is listed with its time and its cost in Redis', async () => {
  const { page, close } = await visit('operator', '?dev#/keys?pattern=users:*');
  await page.getByText('100 loaded').waitFor();
  await open(page, 'DevTools');

  const calls = page.getByRole('region', { name: 'Calls to the API' });
  const row = calls.getByRole('group', { name: 'Latest calls' }).getByRole('row', { name: /GET \/keys\?/ });
  // Two commands when Redis did not know the script yet.
  expect(await row.first().innerText()).toMatch(
    /200\s+[\d.]+ ms\s+[\d.]+ ms\s+[\d.]+ ms, (1 command in 1 round trip|2 commands in 2 round trips)/,
  );
  expect(await calls.getByRole('group', { name: 'Summary by operation' }).innerText()).toContain('GET /keys');
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '?dev#/dev', { colorScheme, viewport });
    await inspect(page, 'users:1:profile');

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `dev-${size}-${colorScheme}`);
    await close();
  }
});
