// The memory view: an analysis of the keyspace by prefix, and the way from a prefix to its keys.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';
import { fill } from './data.ts';

const { app, visit } = setup();
const treemap = (page: Page) => page.getByRole('group', { name: 'Memory by prefix' });
const prefixes = (page: Page) => page.getByRole('group', { name: 'Prefixes' });

beforeAll(() => fill(app));

test('without an analysis the view says how to make one, and an admin makes it', async () => {
  const viewer = await visit('viewer', '#/memory');
  await viewer.page.getByRole('heading', { name: 'No analysis yet' }).waitFor();
  expect(await viewer.page.getByText('Requires the admin role').isVisible()).toBe(true);
  await viewer.close();

  const { page, faults, close } = await visit('admin');
  await open(page, 'Memory');
  await page.getByRole('button', { name: 'Analyse now' }).click();

  await prefixes(page)
    .getByRole('row', { name: /^users:\s+200/ })
    .waitFor();
  await treemap(page)
    .getByRole('button', { name: /^users:.*200 keys/ })
    .waitFor();
  await page.getByRole('group', { name: 'Largest keys' }).getByText('products:bestsellers').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a prefix leads to the prefixes below it, and to the forms that clear it or give it a TTL', async () => {
  const { page, faults, close } = await visit('viewer', '#/memory');
  await treemap(page)
    .getByRole('button', { name: /^products:/ })
    .click();
  await page.getByRole('link', { name: 'All keys' }).waitFor();
  expect(page.url()).toContain('prefix=products%3A');
  await prefixes(page).getByText('products:{id}:').waitFor();

  await page.getByRole('link', { name: 'Give these a TTL …' }).click();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('products:*');
  await page.goBack();
  await page.getByRole('link', { name: 'Clear these …' }).click();
  expect(await page.getByLabel('Redis pattern').inputValue()).toBe('products:*');
  expect(faults).toEqual([]);
  await close();
});

test('the arrow keys move in the treemap, and Enter opens a prefix', async () => {
  const { page, close } = await visit('viewer', '#/memory');
  await treemap(page).getByRole('button').first().focus();

  await page.keyboard.press('ArrowRight');
  const focused = await page.evaluate(() => document.activeElement?.textContent ?? '');
  expect(focused).toMatch(/^\S+: [\d.]+ K?B/);
  await page.keyboard.press('Enter');

  await page.getByRole('link', { name: 'All keys' }).waitFor();
  await close();
});

test('a full analysis is a job, whose end shows the exact figures', async () => {
  const { page, faults, close } = await visit('admin', '#/memory');
  await page.getByLabel('Keys to look at').selectOption('full');
  await page.getByRole('button', { name: 'Analyse now' }).click();

  // The second analysis, beside that of the first test.
  await page.getByRole('region', { name: 'The last analyses' }).waitFor();
  await page.getByText(/^All \d+ keys\./).waitFor();
  // The sample before it looked at all keys, too.
  const choices = await page.getByLabel('Analysis of').locator('option').allInnerTexts();
  expect(choices.every((choice) => choice.endsWith('(all keys)'))).toBe(true);
  expect(faults).toEqual([]);
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/memory', { colorScheme, viewport });
    await prefixes(page).getByRole('row').nth(1).waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `memory-${size}-${colorScheme}`);
    await close();
  }
});
