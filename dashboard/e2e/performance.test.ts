// The performance view: slow commands, in groups and one by one.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const { app, visit } = setup();
const groups = (page: Page) => page.getByRole('group', { name: 'Slow commands by command and keys' });
const entries = (page: Page) => page.getByRole('group', { name: 'Slow commands', exact: true });

beforeAll(() => {
  const writes = Array.from({ length: 60 }, (_, index) => `SET products:${index + 1} 'a secret value'`);
  const logSlowerThan = (microseconds: number) => `CONFIG SET slowlog-log-slower-than ${microseconds}`;
  app.redisAll([logSlowerThan(0), ...writes, logSlowerThan(-1)].join('\n'));
});

test('slow commands are listed by command and keys, without values', async () => {
  const { page, faults, close } = await visit('operator');
  await open(page, 'Performance');

  await groups(page).getByText('products:*').first().waitFor();
  await entries(page).getByText('products:60').waitFor();
  expect(await page.locator('main').innerText()).not.toContain('secret');
  expect(await groups(page).getByRole('link', { name: 'products:*' }).first().getAttribute('href')).toBe(
    '#/keys?pattern=products%3A*',
  );

  await page.getByRole('button', { name: 'Load older' }).click();
  await entries(page).getByText('products:1', { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('the keys that a service looks up most come first, with their modules', async () => {
  const shop = await app.startShop();
  const { page, faults, close } = await visit('viewer', '#/performance');
  const hot = page.getByRole('group', { name: 'Hot keys' });

  // An instance reports its counts from time to time.
  for (const end = Date.now() + 60_000; Date.now() < end; await page.reload()) {
    for (let n = 0; n < 40; n += 1) await fetch(`${shop}/api/products/4985`);
    await fetch(`${shop}/api/products/4986`);
    await page.waitForTimeout(3000);
    if (await hot.getByText('4985').first().isVisible()) break;
  }
  expect(await hot.getByRole('row').nth(1).innerText()).toMatch(/^products:\S*4985/);
  await page.getByRole('group', { name: 'Lookups by module' }).getByRole('link', { name: 'products' }).waitFor();
  await page.getByRole('button', { name: '5 min' }).click();
  expect(page.url()).toContain('minutes=5');
  expect(faults).toEqual([]);
  await close();
});

test('a role that is too low is explained', async () => {
  const { page, close } = await visit('viewer', '#/performance');

  await page.getByText('Requires the operator role; your token has the viewer role.').waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/performance', { colorScheme, viewport });
    await entries(page).getByRole('row').nth(1).waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `performance-${size}-${colorScheme}`);
    await close();
  }
});
