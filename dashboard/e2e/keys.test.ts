// Part 3: the key browser.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, picture, SIZES, stage, violations } from './browser.ts';
import { refill } from './data.ts';

const { app, visit } = stage();
beforeEach(() => refill(app));

const grid = (page: Page) => page.getByRole('grid', { name: 'Keys' });
const row = (page: Page, key: string) => grid(page).getByRole('row', { name: key });
const detail = (page: Page) => page.locator('.detail');
const search = async (page: Page, pattern: string): Promise<void> => {
  await page.getByLabel('Pattern or part of a name').fill(pattern);
  await page.getByRole('button', { name: 'Search' }).click();
};

test('a search by pattern and by type finds what fits', async () => {
  const { page, faults, close } = await visit('viewer');
  await open(page, 'Keys');
  await search(page, 'products:*');
  await page.getByRole('button', { name: 'Load all' }).click();
  await page.getByText('All 121 keys').waitFor();
  await page.getByLabel('Type', { exact: true }).selectOption('zset');
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await row(page, 'products:bestsellers').waitFor();
  await page.getByLabel('Type', { exact: true }).selectOption('');
  await search(page, 'bestsel');
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await search(page, 'nothing:*');
  await page.getByText('No key matches nothing:*.').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a list of 100,000 keys has few rows in the document, and its end can be reached', async () => {
  app.redis('EVAL', "for n = 1, 100000 do redis.call('SET', 'bulk:' .. n, n) end", 0);
  const { page, faults, close } = await visit('viewer', '#/keys?pattern=bulk:*');
  await page.getByRole('button', { name: 'Load all' }).click();
  await page.getByText('All 100,000 keys').waitFor({ timeout: 80_000 });
  await page.getByRole('columnheader', { name: 'Size' }).getByRole('button').click();
  await page.getByRole('columnheader', { name: 'Key' }).getByRole('button').click();
  const rows = grid(page).locator('[data-index]');
  await row(page, 'bulk:1').first().waitFor();
  expect(await rows.count()).toBeLessThan(80);
  await grid(page).locator('[data-index="0"]').focus();
  await page.keyboard.press('End');
  await grid(page).locator('[data-index="99999"]:focus').waitFor();
  expect(await grid(page).locator('[data-index="99999"]').innerText()).toContain('bulk:99999');
  expect(await rows.count()).toBeLessThan(80);
  await picture(page, 'keys-100000');
  expect(faults).toEqual([]);
  await close();
}, 120_000);

test('scrolling fetches more; what is loaded is sorted on demand', async () => {
  const { page, close } = await visit('viewer', '#/keys?pattern=users:*');
  await page.getByText('100 loaded, there may be more').waitFor();
  // Each time the end is near, more is fetched.
  await page.waitForFunction(() => {
    const scroller = document.querySelector('.scroller');
    scroller?.scrollTo(0, scroller.scrollHeight);
    return document.body.innerText.includes('All 200 keys');
  });
  await page.getByRole('columnheader', { name: 'TTL' }).getByRole('button').click();
  await row(page, 'users:1:profile').first().waitFor();
  expect(await grid(page).locator('[data-index="0"]').innerText()).toContain('users:1:profile');
  expect(await page.getByRole('columnheader', { name: 'TTL' }).getAttribute('aria-sort')).toBe('ascending');
  await close();
});

test('the tree folds namespaces, by mouse and by keyboard', async () => {
  const { page, close } = await visit('viewer', '#/keys');
  await page.getByRole('button', { name: 'Tree' }).click();
  const tree = page.getByRole('tree', { name: 'Keys by namespace' });
  const users = tree.getByRole('treeitem', { name: /^users\s*:/ });
  await users.filter({ hasText: /200\s+keys/ }).waitFor();
  await users.focus();
  await page.keyboard.press('ArrowRight');
  await tree
    .getByRole('treeitem', { name: /^1\s*:\s*1\s+key/ })
    .first()
    .waitFor();
  expect(await users.getAttribute('aria-expanded')).toBe('true');
  await picture(page, 'keys-tree');
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('ArrowLeft');
  await page.locator('[aria-expanded="false"]', { hasText: 'users' }).waitFor();
  await users.hover();
  await users.getByRole('link', { name: 'clear…' }).click();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('users:*');
  await close();
});

test('a key in detail: JSON is folded and coloured, its TTL ticks, its tags lead to clearing', async () => {
  const { page, faults, close } = await visit('operator', '#/keys?pattern=users:1:*');
  await row(page, 'users:1:profile').click();
  await detail(page).getByText('"User 1"').waitFor();
  const seconds = async (): Promise<number> =>
    Number((await detail(page).innerText()).match(/\(([\d,]+) s\)/)?.[1]?.replace(',', ''));
  const first = await seconds();
  await page.waitForFunction(
    (before) =>
      Number(
        document
          .querySelector('.detail')
          ?.textContent?.match(/\(([\d,]+) s\)/)?.[1]
          ?.replace(',', ''),
      ) < before,
    first,
  );
  expect(await detail(page).locator('.j-number', { hasText: '1' }).count()).toBe(1);
  await detail(page).getByRole('button', { name: 'roles: list of 1' }).click();
  await detail(page).getByText('"reader"').waitFor({ state: 'detached' });
  await picture(page, 'keys-detail');
  await detail(page).getByRole('link', { name: 'user-data' }).click();
  expect(await page.getByLabel('Tags, one on a line').inputValue()).toBe('user-data');
  expect(faults).toEqual([]);
  await close();
});

test('collections come a page at a time, bytes in hexadecimal', async () => {
  const { page, close } = await visit('operator', '#/keys?key=products:bestsellers');
  await detail(page).getByText('100 of 250 elements').waitFor();
  await detail(page).getByRole('button', { name: 'More elements' }).click();
  await detail(page).getByText('200 of 250 elements').waitFor();
  await page.goto(`${app.url}/admin#/keys?key=dashboard:visitors`);
  await detail(page).getByText('48 59 4c 4c').waitFor();
  await page.goto(`${app.url}/admin#/keys?key=orders:recent`);
  await detail(page).getByText('order: 1001').waitFor();
  await page.goto(`${app.url}/admin#/keys?key=vehicles:brand:1:models`);
  await detail(page).getByText('4 elements').waitFor();
  await close();
});

test('a name that is no text is shown, opened and deleted all the same', async () => {
  app.redis('EVAL', "redis.call('SET', 'caf\\233', 'x')", 0);
  const { page, close } = await visit('operator', '#/keys?pattern=caf*');
  await row(page, 'caf\\xe9').click();
  await detail(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No key matches caf*.').waitFor();
  expect(app.redis('EVAL', "return redis.call('EXISTS', 'caf\\233')", 0)).toBe('0');
  await close();
});

test('the TTL is changed, and taken away; copying puts the name on the clipboard', async () => {
  const { page, close } = await visit('admin', '#/keys?key=config:main:all', {
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  await detail(page).getByText('never expires').waitFor();
  await detail(page).getByRole('button', { name: 'Change TTL' }).click();
  await page.getByLabel('Seconds from now').fill('500');
  await page.keyboard.press('Enter');
  await detail(page)
    .getByText(/8m \d+s/)
    .waitFor();
  expect(Number(app.redis('TTL', 'config:main:all'))).toBeGreaterThan(400);
  await detail(page).getByRole('button', { name: 'Change TTL' }).click();
  await page.getByLabel('Never expires').check();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await detail(page).getByText('never expires').waitFor();
  expect(app.redis('TTL', 'config:main:all')).toBe('-1');
  await detail(page).getByRole('button', { name: 'Copy name' }).click();
  await detail(page).getByText('Copied').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('config:main:all');
  await close();
});

test('deleting asks first', async () => {
  const { page, close } = await visit('operator', '#/keys?pattern=users:7:*');
  await row(page, 'users:7:profile').click();
  await detail(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Keep it' }).click();
  expect(app.redis('EXISTS', 'users:7:profile')).toBe('1');
  await detail(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No key matches users:7:*.').waitFor();
  expect(app.redis('EXISTS', 'users:7:profile')).toBe('0');
  await close();
});

test.each(['light', 'dark'] as const)('axe finds nothing wrong, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/keys?pattern=users:*', { colorScheme, viewport });
    await grid(page).locator('[data-index="0"]').click();
    await detail(page).getByText('"active"').waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, `keys-${size}-${colorScheme}`);
    await detail(page).getByRole('button', { name: 'Change TTL' }).click();
    expect(await violations(page)).toEqual([]);
    await close();
  }
});
