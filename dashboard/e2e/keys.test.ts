// The key browser: searching, listing, sorting, the tree, and one key in detail.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';
import { refill } from './data.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

/** Visible rows and those around them; far fewer than are loaded. */
const MAX_ROWS_IN_DOCUMENT = 80;
const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };

const grid = (page: Page) => page.getByRole('grid', { name: 'Keys' });
const row = (page: Page, key: string) => grid(page).getByRole('row', { name: key });
const header = (page: Page, name: string) => page.getByRole('columnheader', { name });
const detail = (page: Page) => page.locator('.detail');
const dialog = (page: Page) => page.getByRole('dialog');

const search = async (page: Page, pattern: string): Promise<void> => {
  await page.getByLabel('Pattern or part of a name').fill(pattern);
  await page.getByRole('button', { name: 'Search' }).click();
};

const changeTtl = async (page: Page, seconds: string): Promise<void> => {
  await detail(page).getByRole('button', { name: 'Change TTL' }).click();
  await page.getByLabel('Seconds from now').fill(seconds);
  await page.keyboard.press('Enter');
};

const deleteKey = async (page: Page): Promise<void> => {
  await detail(page).getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
};

const clipboard = (page: Page): Promise<string> => page.evaluate(() => navigator.clipboard.readText());

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
  await tree
    .getByRole('treeitem', { name: /^1\s*:\s*1\s+key/ })
    .first()
    .waitFor();
  expect(await users.getAttribute('aria-expanded')).toBe('true');
  await screenshot(page, 'keys-tree');
  expect(await violations(page)).toEqual([]);

  await page.keyboard.press('ArrowLeft');
  await page.locator('[aria-expanded="false"]', { hasText: 'users' }).waitFor();

  await users.hover();
  await users.getByRole('link', { name: 'clear…' }).click();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('users:*');
  await close();
});

test('the TTL of a key in detail counts down', async () => {
  const { page, close } = await visit('operator', '#/keys?key=users:1:profile');
  await detail(page).getByText('"User 1"').waitFor();

  const shown = Number((await detail(page).innerText()).match(/\(([\d,]+) s\)/)?.[1]?.replace(',', ''));

  await page.waitForFunction((before) => {
    const text = document.querySelector('.detail')?.textContent?.match(/\(([\d,]+) s\)/)?.[1];
    return Number(text?.replace(',', '')) < before;
  }, shown);
  await close();
});

test('JSON in detail is coloured and can be folded, and a tag links to clearing by it', async () => {
  const { page, faults, close } = await visit('operator', '#/keys?pattern=users:1:*');
  await row(page, 'users:1:profile').click();
  await detail(page).getByText('"User 1"').waitFor();
  expect(await detail(page).locator('.j-number', { hasText: '1' }).count()).toBe(1);

  await detail(page).getByRole('button', { name: 'roles: list of 1' }).click();
  await detail(page).getByText('"reader"').waitFor({ state: 'detached' });
  await screenshot(page, 'keys-detail');

  await detail(page).getByRole('link', { name: 'user-data' }).click();
  expect(await page.getByLabel('Tags, one per line').inputValue()).toBe('user-data');
  expect(faults).toEqual([]);
  await close();
});

test('collections are shown a page at a time, bytes in hexadecimal', async () => {
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

test('a key whose name is not UTF-8 can be opened and deleted', async () => {
  app.redis('EVAL', "redis.call('SET', 'caf\\233', 'x')", 0);
  const { page, close } = await visit('operator', '#/keys?pattern=caf*');

  await row(page, 'caf\\xe9').click();
  await deleteKey(page);

  await page.getByText('No key matches caf*.').waitFor();
  expect(app.redis('EVAL', "return redis.call('EXISTS', 'caf\\233')", 0)).toBe('0');
  await close();
});

test('keys with unusual names are opened, changed and deleted exactly', async () => {
  const names = ['', '.', 'a//b', ' a', 'line\nbreak', 'b\\xff'];
  for (const name of names) app.redis('SET', name, `value of ${JSON.stringify(name)}`, 'EX', 1000);
  app.redis('EVAL', "redis.call('SET', 'b\\255', 'the byte')", 0);
  const { page, faults, close } = await visit('admin', '#/keys');

  for (const name of names) {
    await page.goto(`${app.url}/admin#/keys?${new URLSearchParams({ key: name })}`);
    await detail(page)
      .getByText(`value of ${JSON.stringify(name)}`)
      .waitFor();

    await changeTtl(page, '5000');
    await detail(page)
      .getByText(/1h \d+m/)
      .waitFor();
    expect(Number(app.redis('TTL', name))).toBeGreaterThan(4000);

    await deleteKey(page);
    await detail(page).waitFor({ state: 'detached' });
    expect(app.redis('EXISTS', name)).toBe('0');
  }
  expect(app.redis('EVAL', "return redis.call('GET', 'b\\255')", 0)).toBe('the byte');
  expect(faults).toEqual([]);
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

test('JSON is shown and copied exactly as stored', async () => {
  const text = '{"n":12345678901234567890123,"n":1.10}';
  app.redis('SET', 'exact:json', text);
  const { page, close } = await visit('operator', '#/keys?key=exact:json', CLIPBOARD);
  await detail(page).getByText('12345678901234567890123').waitFor();
  await detail(page).getByText('1.10').waitFor();

  await detail(page).getByRole('button', { name: 'As stored' }).click();
  await detail(page).getByText(text).waitFor();

  await detail(page).getByRole('button', { name: 'Copy value' }).click();
  await detail(page).getByText('Copied').waitFor();
  expect(await clipboard(page)).toBe(text);
  await close();
});

test('JSON in a field of a hash can be decoded', async () => {
  const text = '{"n":12345678901234567890123,"n":1.10}';
  app.redis('HSET', 'exact:hash', 'field', text);
  const { page, close } = await visit('operator', '#/keys?key=exact:hash');
  await detail(page).getByText(text).waitFor();

  await detail(page).getByText('decoded').click();

  await detail(page).locator('.j-number', { hasText: '1.10' }).waitFor();
  await close();
});

test('the TTL of a key can be changed and removed', async () => {
  const { page, close } = await visit('admin', '#/keys?key=config:main:all');
  await detail(page).getByText('never expires').waitFor();

  await changeTtl(page, '500');
  await detail(page)
    .getByText(/8m \d+s/)
    .waitFor();
  expect(Number(app.redis('TTL', 'config:main:all'))).toBeGreaterThan(400);

  await detail(page).getByRole('button', { name: 'Change TTL' }).click();
  await page.getByLabel('Never expires').check();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await detail(page).getByText('never expires').waitFor();
  expect(app.redis('TTL', 'config:main:all')).toBe('-1');
  await close();
});

test('the name of a key can be copied', async () => {
  const { page, close } = await visit('operator', '#/keys?key=config:main:all', CLIPBOARD);

  await detail(page).getByRole('button', { name: 'Copy name' }).click();

  await detail(page).getByText('Copied').waitFor();
  expect(await clipboard(page)).toBe('config:main:all');
  await close();
});

test('a key is deleted only after a confirmation', async () => {
  const { page, close } = await visit('operator', '#/keys?pattern=users:7:*');
  await row(page, 'users:7:profile').click();

  await detail(page).getByRole('button', { name: 'Delete' }).click();
  await dialog(page).getByRole('button', { name: 'Keep it' }).click();
  expect(app.redis('EXISTS', 'users:7:profile')).toBe('1');

  await deleteKey(page);
  await page.getByText('No key matches users:7:*.').waitFor();
  expect(app.redis('EXISTS', 'users:7:profile')).toBe('0');
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
