// The clear view: every removal begins with a preview.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { open, screenshot, setup, signIn, violations } from './browser.ts';
import { refill } from './data.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

const count = (pattern: string): number => app.redis('--scan', '--pattern', pattern).split('\n').filter(Boolean).length;
const preview = (page: Page) => page.getByRole('region', { name: 'Preview' });
const removals = (page: Page) => page.getByRole('region', { name: 'Removals since this page was opened' });

/** Chooses to delete, types the number of keys where it is asked for, and presses the button. */
async function deleteKeys(page: Page, keys: string): Promise<void> {
  await preview(page)
    .getByRole('radio', { name: /^Delete/ })
    .check();
  const confirmation = page.getByLabel(/^Type the number of keys/);
  if ((await confirmation.count()) > 0) await confirmation.fill(keys.split(' ')[0] ?? '');
  await page.getByRole('button', { name: `Delete ${keys}` }).click();
}

test('the preview of a pattern counts and names keys, and only the button removes them', async () => {
  const { page, faults, close } = await visit('operator');
  await open(page, 'Clear');
  await page.getByLabel('Redis pattern').fill('users:*');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page)
    .getByRole('heading', { name: /200 keys will be marked stale/ })
    .waitFor();
  expect(await preview(page).getByRole('list', { name: 'Some of the keys' }).getByRole('listitem').count()).toBe(20);
  expect(await preview(page).innerText()).toMatch(/56\.\d % of all keys · about [\d.]+ KB of memory/);
  expect(count('users:*')).toBe(200);
  await screenshot(page, 'clear-preview');

  await deleteKeys(page, '200 keys');
  await removals(page).getByText('200 keys deleted').waitFor();
  expect(await removals(page).innerText()).toMatch(/200 keys deleted in [\d.]+ ms · pattern users:\*/);
  expect(count('users:*')).toBe(0);
  expect(count('products:*')).toBe(121);
  expect(faults).toEqual([]);
  await close();
});

test('a changed pattern needs a new preview', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('users:1:*');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Mark 1 key stale' }).waitFor();

  await page.getByLabel('Redis pattern').fill('users:*');

  await preview(page).waitFor({ state: 'detached' });
  await close();
});

test('the preview of keys names those that do not exist', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByRole('radio', { name: 'Keys' }).check();
  await page.getByLabel('Keys, one per line').fill('users:1:profile\nusers:2:profile\nno:such:key');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page).getByText('Not in the cache: no:such:key').waitFor();

  await deleteKeys(page, '2 keys');
  await removals(page).getByText('2 keys deleted').waitFor();
  expect(count('users:*')).toBe(198);
  await close();
});

test('the preview of tags counts their keys and names some', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByRole('radio', { name: 'Tags' }).check();
  await page.getByLabel('Tags, one per line').fill('user-data');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page).getByText('user-data: 200 keys').waitFor();
  expect(
    await preview(page).getByRole('list', { name: 'Some of the keys' }).getByRole('listitem').first().innerText(),
  ).toMatch(/^users:\d+:profile$/);

  await deleteKeys(page, '200 keys');
  await removals(page).getByText('200 keys deleted').waitFor();
  expect(count('users:*')).toBe(0);
  expect(count('cache:tags:user-data')).toBe(0);
  await close();
});

test.each([
  ['Keys', 'Keys, one per line', ' a', 'key ␣a'],
  ['Pattern', 'Redis pattern', ' a', 'pattern ␣a'],
  ['Tags', 'Tags, one per line', ' t', 'tag ␣t'],
])('clearing by %s takes a leading blank exactly: the key without it stays', async (...row) => {
  const [selector, field, typed, summary] = row;
  for (const blank of [' ', '']) {
    app.redis('SET', `${blank}a`, 1);
    app.redis('SADD', `cache:tags:${blank}t`, `${blank}a`);
  }
  const { page, faults, close } = await visit('operator', '#/clear');
  await page.getByRole('radio', { name: selector }).check();
  await page.getByLabel(field).fill(typed);
  await page.getByText(/white space.*, which is part of/).waitFor();
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).getByRole('link', { name: '␣a', exact: true }).waitFor();

  await deleteKeys(page, '1 key');

  await removals(page).getByText('1 key deleted').waitFor();
  expect(await removals(page).innerText()).toContain(`· ${summary}`);
  expect(app.redis('EXISTS', ' a')).toBe('0');
  expect(app.redis('EXISTS', 'a')).toBe('1');
  expect(faults).toEqual([]);
  await close();
});

test('a key with a line break in its name is removed exactly', async () => {
  for (const name of ['a\n', 'a']) app.redis('SET', name, 1);
  const { page, close } = await visit('operator', '#/clear?by=keys');
  await page.getByLabel('Keys, one per line').fill('"a\\n"');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).getByRole('link', { name: 'a↵', exact: true }).waitFor();

  await deleteKeys(page, '1 key');

  await removals(page).getByText('1 key deleted').waitFor();
  expect(app.redis('EXISTS', 'a\n')).toBe('0');
  expect(app.redis('EXISTS', 'a')).toBe('1');
  await close();
});

test('a preview links to keys whose name is not UTF-8', async () => {
  app.redis('EVAL', "redis.call('SET', 'caf\\233', 'of the byte')", 0);
  app.redis('SET', 'caf\\xe9', 'of the text');
  const { page, close } = await visit('operator', '#/clear?by=pattern&pattern=caf*');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page).getByRole('link', { name: 'caf\\xe9 escaped', exact: true }).click();

  await page.locator('.detail').getByText('of the byte').waitFor();
  await close();
});

test('everything is deleted only after the number of keys was typed', async () => {
  const { page, close } = await visit('admin', '#/clear');
  await page.getByRole('radio', { name: 'Everything' }).check();
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page)
    .getByRole('radio', { name: /^Delete/ })
    .check();

  const remove = preview(page).getByRole('button', { name: /^Delete/ });
  await remove.click({ force: true });
  expect(await preview(page).innerText()).toMatch(/Type \d+ first\./);
  expect(count('users:*')).toBe(200);
  await screenshot(page, 'clear-everything');

  const keys = (await remove.innerText()).match(/\d+/)?.[0] ?? '';
  await page.getByLabel(/^Type the number of keys/).fill(keys);
  await remove.click();
  await removals(page).getByText('keys deleted').waitFor();
  expect(count('users:*')).toBe(0);
  await close();
});

test('a pattern that matches everything needs the number, too', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=**');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page)
    .getByRole('radio', { name: /^Delete/ })
    .check();
  const button = preview(page).getByRole('button', { name: /^Delete/ });
  const keys = (await button.innerText()).match(/\d+/)?.[0] ?? '';

  await page.getByLabel(/^Type the number of keys/).fill(keys);
  await page.keyboard.press('Enter');

  await removals(page).getByText('keys deleted').waitFor();
  expect(count('users:*')).toBe(0);
  await close();
});

test('marking stale keeps the values for the grace, and is the choice at first', async () => {
  const { page, faults, close } = await visit('operator', '#/clear?by=pattern&pattern=users:1*');
  await page.getByRole('button', { name: 'Preview' }).click();
  expect(
    await preview(page)
      .getByRole('radio', { name: /^Mark stale/ })
      .isChecked(),
  ).toBe(true);
  await preview(page).getByLabel('Entries without a grace are served for another').fill('90');

  await page.getByRole('button', { name: /^Mark 111 keys stale/ }).click();

  await removals(page).getByText('111 keys marked stale').waitFor();
  expect(count('users:1*')).toBe(111);
  expect(Number(app.redis('TTL', 'users:10:profile'))).toBeLessThanOrEqual(90);
  expect(Number(app.redis('TTL', 'users:20:profile'))).toBeGreaterThan(90);
  expect(faults).toEqual([]);
  await close();
});

test('a job marks a large pattern stale', async () => {
  app.redis('EVAL', "for n = 1, 12000 do redis.call('SET', 'bulk:' .. n, n) end", 0);
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=bulk:*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByLabel(/^Type the number of keys/).fill('12,000');
  await page.getByRole('button', { name: 'Mark 12,000 keys stale' }).click();

  const job = page.getByRole('region', { name: /^Job / });
  await job.getByText('done', { exact: true }).waitFor();
  await job.getByText('12,000 keys marked stale').waitFor();
  expect(app.redis('EXISTS', 'bulk:1')).toBe('1');
  await close();
});

test('protected keys can only be deleted', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=cache:tags:*');
  await page.getByRole('button', { name: 'Preview' }).click();

  await page.getByRole('button', { name: 'Delete 1 key' }).waitFor();
  expect(await preview(page).getByRole('radio').count()).toBe(0);
  await close();
});

test('a text without a wildcard that matches nothing offers the patterns it may have meant', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('users');
  await page.keyboard.press('Enter');
  await preview(page).getByText('Without a wildcard').waitFor();
  expect(await preview(page).getByRole('radio').count()).toBe(0);

  await preview(page).getByRole('button', { name: 'users:*', exact: true }).click();

  await preview(page)
    .getByRole('heading', { name: /^200 keys/ })
    .waitFor();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('users:*');
  await close();
});

test('the prefixes of a mixed pattern are shown with their shares', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=*s:*');
  await page.getByRole('button', { name: 'Preview' }).click();

  const prefixes = preview(page).getByRole('list', { name: 'Prefixes of the keys' });
  await prefixes.getByText('users:').waitFor();
  expect(await prefixes.innerText()).toMatch(/users:\s*about \d+ %/);
  await close();
});

test('the way back leads to the form as it was filled in, with its preview', async () => {
  const { page, faults, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('users:1*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).getByRole('link').first().click();
  await page.locator('.detail').waitFor();

  await page.goBack();

  await page.getByRole('heading', { level: 1, name: 'Clear' }).waitFor();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('users:1*');
  await preview(page).waitFor();

  // A link is not a way back: it brings its own selection.
  await page.goto(`${app.url}/admin#/clear?by=pattern&pattern=config:*`);
  await expect.poll(() => page.getByLabel('Redis pattern').inputValue()).toBe('config:*');
  expect(faults).toEqual([]);
  await close();
});

test('the focus returns to the field after the keys were deleted', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('users:1:*');
  await page.keyboard.press('Enter');
  await preview(page).waitFor();

  await deleteKeys(page, '1 key');

  await removals(page).getByText('1 key deleted').waitFor();
  await page.locator('textarea:focus').waitFor();
  await close();
});

test('a large pattern is cleared by a job, whose progress is shown in place', async () => {
  app.redis('EVAL', "for n = 1, 12000 do redis.call('SET', 'bulk:' .. n, n) end", 0);
  const { page, faults, close } = await visit('admin', '#/clear?by=pattern&pattern=bulk:*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).getByText('Prefixes').waitFor({ state: 'detached' });
  expect(await page.getByRole('checkbox', { name: /^Run as a job/ }).isChecked()).toBe(true);
  await page.getByLabel('At most').fill('4000');
  await screenshot(page, 'clear-job-choice');

  await deleteKeys(page, '12,000 keys');

  const job = page.getByRole('region', { name: /^Job / });
  await job.getByRole('progressbar').waitFor();
  await job.getByText('You can close this tab').waitFor();
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'clear-job');
  await job.getByText('done', { exact: true }).waitFor();
  await job.getByText('12,000 keys deleted').waitFor();
  expect(count('bulk:*')).toBe(0);
  expect(faults).toEqual([]);
  await close();
});

test('where a preview takes too long for a request, a job counts the keys', async () => {
  const { page, faults, close } = await visit('operator', '#/clear?by=pattern&pattern=users:*');
  // A walk of 30 s would take tens of millions of keys, so the answer to it comes from here.
  const detail = 'the walk was stopped after 30 s';
  const body = { type: 'urn:edge-cache:problem:walk-too-long', status: 503, detail };
  await page.route('**/api/cache/clear', (route) => route.fulfill({ status: 503, json: body }), { times: 1 });
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText(detail).waitFor();
  await page.getByRole('button', { name: 'Count the keys as a job' }).click();

  await preview(page)
    .getByRole('heading', { name: /^200 keys/ })
    .waitFor();
  await preview(page).getByRole('link').first().waitFor();
  await deleteKeys(page, '200 keys');
  await removals(page).getByText('200 keys deleted').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('the removals of one token are not shown to the next', async () => {
  const { page, close } = await visit('operator', '#/clear?by=pattern&pattern=users:*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await deleteKeys(page, '200 keys');
  await removals(page).waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await signIn(page, TOKENS.viewer);

  await page.getByRole('heading', { level: 1, name: 'Clear' }).waitFor();
  expect(await removals(page).count()).toBe(0);
  await close();
});

test('a failure shows the description of the application', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('x*a*b*c*d*e*f*g*h*i*j*k*l*m*n*o*p*q*');
  await page.getByRole('button', { name: 'Preview' }).click();

  const failure = page.locator('.failure');
  await failure.waitFor();
  expect(await failure.innerText()).toContain('`pattern`');
  expect(await failure.innerText()).toContain('Status 422');
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=*', { colorScheme });
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).waitFor();

  expect(await violations(page)).toEqual([]);
  await close();
});
