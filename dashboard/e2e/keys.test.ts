// The key browser: searching, listing, sorting, and the tree.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';
import { refill } from './data.ts';
import { detail, grid, row, search } from './keys-page.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

/** Visible rows and those around them; far fewer than are loaded. */
const MAX_ROWS_IN_DOCUMENT = 80;
const header = (page: Page, name: string) => page.getByRole('columnheader', { name });

test('a search by pattern and type finds the matching keys', async () => {
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

test('of 100,000 listed keys few are in the document, and the last one can be reached', async () => {
  app.redis('EVAL', "for n = 1, 100000 do redis.call('SET', 'bulk:' .. n, n) end", 0);
  const { page, faults, close } = await visit('viewer', '#/keys?pattern=bulk:*');
  await page.getByRole('button', { name: 'Load all' }).click();
  await page.getByText('All 100,000 keys').waitFor({ timeout: 80_000 });

  await header(page, 'Size').getByRole('button').click();
  await header(page, 'Key').getByRole('button').click();
  await row(page, 'bulk:1').first().waitFor();
  const rows = grid(page).locator('[data-index]');
  expect(await rows.count()).toBeLessThan(MAX_ROWS_IN_DOCUMENT);

  await grid(page).locator('[data-index="0"]').focus();
  await page.keyboard.press('End');
  await grid(page).locator('[data-index="99999"]:focus').waitFor();
  expect(await grid(page).locator('[data-index="99999"]').innerText()).toContain('bulk:99999');
  expect(await rows.count()).toBeLessThan(MAX_ROWS_IN_DOCUMENT);

  await screenshot(page, 'keys-100000');
  expect(faults).toEqual([]);
  await close();
}, 120_000);

test('scrolling loads more keys, and loaded keys can be sorted', async () => {
  const { page, close } = await visit('viewer', '#/keys?pattern=users:*');
  await page.getByText('100 loaded, there may be more').waitFor();

  await page.waitForFunction(() => {
    const scroller = document.querySelector('.scroller');
    scroller?.scrollTo(0, scroller.scrollHeight);
    return document.body.innerText.includes('All 200 keys');
  });

  await header(page, 'TTL').getByRole('button').click();
  await row(page, 'users:1:profile').first().waitFor();
  expect(await grid(page).locator('[data-index="0"]').innerText()).toContain('users:1:profile');
  expect(await header(page, 'TTL').getAttribute('aria-sort')).toBe('ascending');
  await close();
});

test('the tree opens and closes namespaces with the keyboard, and links to clearing one', async () => {
  const { page, close } = await visit('viewer', '#/keys');
  await page.getByRole('button', { name: 'Tree' }).click();
  const tree = page.getByRole('tree', { name: 'Keys by namespace' });
  const users = tree.getByRole('treeitem', { name: /^users\s*:/ });
  await users.filter({ hasText: /200\s+keys/ }).waitFor();

  await users.focus();
  await page.keyboard.press('ArrowRight');
  await tree.getByRole('treeitem', { name: /^\{id\}\s*:\s*200\s+keys/ }).waitFor();
  expect(await users.getAttribute('aria-expanded')).toBe('true');
  await screenshot(page, 'keys-tree');
  expect(await violations(page)).toEqual([]);

  await page.getByRole('checkbox', { name: 'ids as {id}' }).uncheck();
  await tree
    .getByRole('treeitem', { name: /^1\s*:\s*1\s+key/ })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Size', exact: true }).click();
  await users.focus();
  await page.keyboard.press('ArrowLeft');
  await page.locator('[aria-expanded="false"]', { hasText: 'users' }).waitFor();

  await users.hover();
  await users.getByRole('link', { name: 'clear…' }).click();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('users:*');
  await close();
});

test('a search takes white space and line breaks exactly, and names show them as symbols', async () => {
  for (const name of [' odd:1', 'odd:2', 'odd\n:3', 'odd3']) app.redis('SET', name, 1);
  const { page, close } = await visit('viewer', '#/keys');

  await search(page, ' odd:*');
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await grid(page).getByText('␣').waitFor();

  await search(page, 'odd\n:*');
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await grid(page).getByText('↵').waitFor();
  await close();
});

test('the tree links to clearing exactly the prefix of a folder', async () => {
  app.redis('SET', ' odd:1', 1);
  const { page, close } = await visit('viewer', '#/keys?pattern=*+odd*');
  await page.getByRole('button', { name: 'Tree' }).click();

  const folder = page.getByRole('treeitem', { name: /odd/ });
  await folder.hover();
  const link = await folder.getByRole('link', { name: 'clear…' }).getAttribute('href');

  expect(new URLSearchParams(link?.split('?')[1]).get('pattern')).toBe(' odd:*');
  await close();
});

test('characters that reverse a name are visible', async () => {
  app.redis('SET', 'odd:\u202egpj.exe\u0007', 1);
  const { page, close } = await visit('viewer', '#/keys?pattern=odd:*');

  await grid(page).getByText('U+202E').waitFor();
  await grid(page).getByText('U+0007').waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/keys?pattern=users:*', { colorScheme, viewport });
    await grid(page).locator('[data-index="0"]').click();
    await detail(page).getByText('"active"').waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, `keys-${size}-${colorScheme}`);

    await detail(page).getByRole('button', { name: 'Change TTL' }).click();
    expect(await violations(page)).toEqual([]);
    await close();
  }
});
