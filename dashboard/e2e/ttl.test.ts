// The TTL table as a view: its rows, and overrides by admins.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const { app, visit } = setup();
const table = (page: Page) => page.getByRole('group', { name: 'TTL table' });
const row = (page: Page, prefix: string) => table(page).getByRole('row').filter({ hasText: prefix });

test('an admin overrides a row, and removes the override', async () => {
  const { page, faults, close } = await visit('admin');
  await open(page, 'Expiry');
  await page.getByRole('link', { name: 'TTL table of new values' }).click();
  await row(page, 'products:popular').getByText('15m').waitFor();

  await row(page, 'products:popular').getByRole('button', { name: 'Override' }).click();
  expect(await page.getByLabel('Prefix').inputValue()).toBe('products:popular');
  await page.getByLabel('TTL', { exact: true }).fill('90');
  await page.getByLabel('Unit of: TTL').selectOption('seconds');
  await page.locator('form').getByRole('button', { name: 'Override' }).click();

  await row(page, 'products:popular').getByText('1m 30s').waitFor();
  expect(await ttlOf('products:popular')).toEqual([{ prefix: 'products:popular', ttl: 90, source: 'override' }]);
  expect(await violations(page)).toEqual([]);

  await row(page, 'products:popular').getByRole('button', { name: 'Remove the override' }).click();
  await row(page, 'products:popular').getByText('15m').waitFor();
  expect(faults).toEqual([]);
  await close();
});

interface Rows {
  data: { table: { prefix: string }[] };
}

async function ttlOf(prefix: string): Promise<object[]> {
  const response = await fetch(`${app.url}/api/cache/ttl`, { headers: { authorization: `Bearer ${TOKENS.viewer}` } });
  const { data } = (await response.json()) as Rows;
  return data.table.filter((row) => row.prefix === prefix);
}

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('viewer', '#/ttls', { colorScheme, viewport });
    await row(page, 'products:popular').waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `ttls-${size}-${colorScheme}`);
    await close();
  }
});
