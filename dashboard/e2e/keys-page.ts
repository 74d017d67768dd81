// Parts of the page of the key browser, for its tests.
import type { Locator, Page } from 'playwright-core';

export const grid = (page: Page): Locator => page.getByRole('grid', { name: 'Keys' });
export const row = (page: Page, key: string): Locator => grid(page).getByRole('row', { name: key });
export const detail = (page: Page): Locator => page.locator('.detail');
export const dialog = (page: Page): Locator => page.getByRole('dialog');

export const search = async (page: Page, pattern: string): Promise<void> => {
  await page.getByLabel('Pattern or part of a name').fill(pattern);
  await page.getByRole('button', { name: 'Search' }).click();
};
