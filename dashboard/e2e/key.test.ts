// The key browser: one key in detail.
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { screenshot, setup, violations } from './browser.ts';
import { refill } from './data.ts';
import { detail, dialog, grid, row } from './keys-page.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

const CLIPBOARD = { permissions: ['clipboard-read', 'clipboard-write'] };

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

test('JSON is shown and copied exactly as stored', async () => {
  const text = '{"n":12345678901234567890123,"n":1.10}';
  app.redis('SET', 'exact:json', text);
  const { page, close } = await visit('operator', '#/keys?key=exact:json', CLIPBOARD);
  await detail(page).getByText('12345678901234567890123').waitFor();
  await detail(page).getByText('1.10').waitFor();

  await detail(page).getByRole('button', { name: 'As stored', exact: true }).click();
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

test('opening a key asks for nothing that does not exist', async () => {
  const { page, close } = await visit('admin', '#/keys?pattern=users:1:*');
  const refused: string[] = [];
  page.on('response', (response) => response.status() >= 400 && refused.push(response.url()));
  app.redis('SET', 'lock:{users:1:profile}', 'somebody', 'PX', 60_000);

  await row(page, 'users:1:profile').click();
  await detail(page)
    .getByText(/held by a load in flight: the lease ends in/)
    .waitFor();
  await detail(page).getByText('Changes', { exact: true }).waitFor();

  expect(refused).toEqual([]);
  await close();
});

test('a key that no longer exists is recognised, and closing it returns the focus', async () => {
  const { page, close } = await visit('operator', '#/keys?pattern=users:1?:*');
  await page.getByText('All 10 keys').waitFor();
  app.redis('FLUSHALL');
  await grid(page).locator('[data-index="3"]').focus();
  await page.keyboard.press('Enter');
  await detail(page).getByText('This key no longer exists').waitFor();

  await detail(page).getByRole('button', { name: 'Close' }).click();

  await page.locator('[data-index="3"]:focus').waitFor();
  await close();
});

test('a missing key shows who removed it, its TTL rule, and the likely reasons of the miss', async () => {
  const response = await fetch(`${app.url}/api/cache/clear`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pattern: 'products:1*:*' }),
  });
  expect(response.status).toBe(200);
  const { page, faults, close } = await visit('admin', '#/keys?key=products:17:details');

  await detail(page).getByText('Why was this a miss?').waitFor();
  await detail(page)
    .getByText(/values of this prefix live for/)
    .waitFor();
  await detail(page)
    .getByText(/deploy clear products:1\*:\*/)
    .waitFor();
  const link = await detail(page).getByRole('link', { name: 'All records about it' }).getAttribute('href');
  expect(link).toBe('#/audit?key=products%3A17%3Adetails');
  expect(await violations(page)).toEqual([]);
  expect(faults).toEqual([]);
  await close();
});

test('a value is downloaded whole, page by page', async () => {
  const { page, close } = await visit('operator', '#/keys?key=products:bestsellers');
  await detail(page).getByRole('button', { name: 'Copy part of the value' }).waitFor();

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    detail(page).getByRole('button', { name: 'Download' }).click(),
  ]);

  expect(download.suggestedFilename()).toBe('products_bestsellers.json');
  expect(JSON.parse(readFileSync(await download.path(), 'utf8'))).toHaveLength(250);
  await close();
});

test('a value above 64 KB is downloaded whole, and as it is stored', async () => {
  const bytes = Buffer.alloc(3_000_000, Buffer.from([0xff, 0x00, 0x7f, 0x0a, 0xc3]));
  app.redis('EVAL', "redis.call('SET', KEYS[1], string.rep('\\255\\0\\127\\n\\195', 600000))", 1, 'big:blob');
  const { page, faults, close } = await visit('operator', '#/keys?key=big:blob');

  for (const [name, button] of [
    ['big_blob.bin', 'Download'],
    ['big_blob.bin', 'Download as stored'],
  ] as const) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      detail(page).getByRole('button', { name: button, exact: true }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(name);
    expect(readFileSync(await download.path()).equals(bytes)).toBe(true);
  }
  expect(faults).toEqual([]);
  await close();
});
