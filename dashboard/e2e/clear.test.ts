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

test('the preview of a pattern counts and names keys, and only the button removes them', async () => {
  const { page, faults, close } = await visit('operator');
  await open(page, 'Clear');
  await page.getByLabel('Redis pattern').fill('users:*');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page)
    .getByRole('heading', { name: /200 keys would be removed/ })
    .waitFor();
  expect(await preview(page).getByRole('listitem').count()).toBe(20);
  expect(count('users:*')).toBe(200);
  await screenshot(page, 'clear-preview');

  await page.getByRole('button', { name: 'Remove 200 keys' }).click();
  await removals(page).getByText('200 keys removed').waitFor();
  expect(await removals(page).innerText()).toMatch(/200 keys removed in \d+ms · pattern users:\*/);
  expect(count('users:*')).toBe(0);
  expect(count('products:*')).toBe(121);
  expect(faults).toEqual([]);
  await close();
});

test('a changed pattern needs a new preview', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByLabel('Redis pattern').fill('users:1:*');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Remove 1 key' }).waitFor();

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

  await page.getByRole('button', { name: 'Remove 2 keys' }).click();
  await removals(page).getByText('2 keys removed').waitFor();
  expect(count('users:*')).toBe(198);
  await close();
});

test('the preview of tags counts their keys and names some', async () => {
  const { page, close } = await visit('operator', '#/clear');
  await page.getByRole('radio', { name: 'Tags' }).check();
  await page.getByLabel('Tags, one per line').fill('user-data');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page).getByText('user-data: 200 keys').waitFor();
  expect(await preview(page).getByRole('listitem').first().innerText()).toMatch(/^users:\d+:profile$/);

  await page.getByRole('button', { name: 'Remove 200 keys' }).click();
  await removals(page).getByText('200 keys removed').waitFor();
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

  await page.getByRole('button', { name: 'Remove 1 key' }).click();

  await removals(page).getByText('1 key removed').waitFor();
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

  await page.getByRole('button', { name: 'Remove 1 key' }).click();

  await removals(page).getByText('1 key removed').waitFor();
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

test('everything is removed only after the word was typed', async () => {
  const { page, close } = await visit('admin', '#/clear');
  await page.getByRole('radio', { name: 'Everything' }).check();
  await page.getByRole('button', { name: 'Preview' }).click();

  const remove = preview(page).getByRole('button', { name: /^Remove/ });
  await remove.click({ force: true });
  expect(await preview(page).innerText()).toContain('Type the word everything first.');
  expect(count('users:*')).toBe(200);
  await screenshot(page, 'clear-everything');

  await page.getByLabel('Type everything to confirm').fill('everything');
  await remove.click();
  await removals(page).getByText('keys removed').waitFor();
  expect(count('users:*')).toBe(0);
  await close();
});

test('a pattern that matches everything needs the word, too', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=**');
  await page.getByRole('button', { name: 'Preview' }).click();

  await page.getByLabel('Type everything to confirm').fill('everything');
  await page.keyboard.press('Enter');

  await removals(page).getByText('keys removed').waitFor();
  expect(count('users:*')).toBe(0);
  await close();
});

test('the removals of one token are not shown to the next', async () => {
  const { page, close } = await visit('operator', '#/clear?by=pattern&pattern=users:*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Remove 200 keys' }).click();
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
