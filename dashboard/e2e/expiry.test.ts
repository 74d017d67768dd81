// The expiry view: a change of many TTLs begins with a preview.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';
import { refill } from './data.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

const preview = (page: Page) => page.getByRole('region', { name: 'Preview' });
const ttl = (key: string): number => Number(app.redis('TTL', key));

test('keys without a TTL are given one after a preview of the TTLs before and after', async () => {
  app.redis('EVAL', "for n = 1, 50 do redis.call('SET', 'sessions:' .. n, n) end", 0);
  app.redis('EXPIRE', 'sessions:1', 30);
  const { page, faults, close } = await visit('admin');
  await open(page, 'Expiry');
  await page.getByLabel('Redis pattern').fill('sessions:*');
  await page.getByRole('button', { name: 'Preview' }).click();

  await preview(page)
    .getByRole('heading', { name: /^49 keys will change of 50 found/ })
    .waitFor();
  expect(
    await preview(page)
      .getByRole('row', { name: /^no TTL/ })
      .innerText(),
  ).toMatch(/49\s+0/);
  expect(
    await preview(page)
      .getByRole('row', { name: /^1 to 24 hours/ })
      .innerText(),
  ).toMatch(/0\s+49/);
  expect(ttl('sessions:2')).toBe(-1);
  await screenshot(page, 'expiry-preview');

  await page.getByRole('button', { name: 'Change the TTL of 49 keys' }).click();
  await page.getByRole('heading', { name: /^49 keys changed of 50/ }).waitFor();
  expect(ttl('sessions:2')).toBeGreaterThan(70_000);
  expect(ttl('sessions:1')).toBeLessThanOrEqual(30);
  expect(faults).toEqual([]);
  await close();
});

test('a large share is changed only after its number was typed', async () => {
  const { page, close } = await visit('admin', '#/expiry?pattern=users:*&change=shortenTo');
  await page.getByLabel('TTL', { exact: true }).fill('10');
  await page.getByLabel('Unit of: TTL').selectOption('minutes');
  await page.getByRole('button', { name: 'Preview' }).click();

  const button = page.getByRole('button', { name: 'Change the TTL of 200 keys' });
  await button.click({ force: true });
  await preview(page).getByText('Type 200 first.').waitFor();
  expect(ttl('users:2:profile')).toBeGreaterThan(600);

  await page.getByLabel(/^Type the number of keys/).fill('200');
  await button.click();
  await page.getByRole('heading', { name: /^200 keys changed/ }).waitFor();
  expect(ttl('users:2:profile')).toBeLessThanOrEqual(600);
  await close();
});

test('a change of the form drops the preview', async () => {
  const { page, close } = await visit('admin', '#/expiry?pattern=sessions:*');
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview(page).waitFor();

  await page.getByLabel('Change', { exact: true }).selectOption('persist');

  await preview(page).waitFor({ state: 'detached' });
  await close();
});

test('a role that is too low sees the reason', async () => {
  const { page, close } = await visit('operator', '#/expiry?pattern=sessions:*');
  await page.getByText('Requires the admin role; your token has the operator role.').waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/expiry?pattern=users:*&change=ttl', { colorScheme, viewport });
    await page.getByRole('button', { name: 'Preview' }).click();
    await preview(page).waitFor();
    expect(await violations(page)).toEqual([]);
    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(excess).toBe(0);
    await screenshot(page, `expiry-${size}-${colorScheme}`);
    await close();
  }
});
