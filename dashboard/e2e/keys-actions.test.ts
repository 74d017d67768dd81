// The key browser: conditions, and actions on the keys that were found.
import { beforeEach, expect, test } from 'vitest';
import { screenshot, setup, violations } from './browser.ts';
import { refill } from './data.ts';
import { detail, dialog, grid, row } from './keys-page.ts';

const { app, visit } = setup();
beforeEach(() => refill(app));

test('conditions filter the list, stay in the address, and hide keys of edge-cache itself', async () => {
  app.redis('SET', 'users:large', 'x'.repeat(20_000));
  const { page, faults, close } = await visit('viewer', '#/keys');
  await page.getByRole('button', { name: 'Load all' }).click();
  await page.getByText(/of edge-cache itself hidden/).waitFor();
  await page.getByLabel('Pattern or part of a name').fill('users:*');
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('checkbox', { name: 'Without a TTL' }).check();
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await page.getByLabel('Size', { exact: true }).selectOption('10 KB or more');
  await page.getByText('All 1 key', { exact: true }).waitFor();
  await row(page, 'users:large').waitFor();
  const link = await page.getByRole('link', { name: 'Give these a TTL …' }).getAttribute('href');
  expect(link).toContain('#/expiry?pattern=users%3A*&minSize=10240');

  await page.reload();
  await page.getByText('All 1 key', { exact: true }).waitFor();
  expect(await page.getByRole('checkbox', { name: 'Without a TTL' }).isChecked()).toBe(true);

  await page.goto(`${app.url}/admin#/keys?type=set`);
  await row(page, 'tags:colours').waitFor();
  expect(await row(page, 'cache:tags:user-data').count()).toBe(0);
  await page.getByRole('checkbox', { name: 'Keys of edge-cache itself' }).check();
  await row(page, 'cache:tags:user-data').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('several chosen keys get a TTL, or are deleted, after a confirmation', async () => {
  const { page, faults, close } = await visit('admin', '#/keys?pattern=users:1?:*');
  await page.getByText('All 10 keys').waitFor();
  const actions = page.getByRole('group', { name: 'Actions on the chosen keys' });

  await grid(page).locator('[data-index="0"]').focus();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await actions.getByText('2 keys chosen').waitFor();
  await page.getByLabel('Choose all loaded keys').check();
  await actions.getByText('10 keys chosen').waitFor();
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'keys-chosen');

  await actions.getByRole('button', { name: 'Set TTL' }).click();
  await dialog(page).getByLabel('Expires in', { exact: true }).fill('2');
  await dialog(page).getByLabel('Unit of: Expires in').selectOption('days');
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Set TTL' }).click();
  await actions.waitFor({ state: 'detached' });
  await grid(page)
    .getByText(/^1d 23h$|^2d$/)
    .first()
    .waitFor();
  expect(Number(app.redis('TTL', 'users:15:profile'))).toBeGreaterThan(172_000);

  await page.getByLabel('Choose all loaded keys').check();
  await actions.getByRole('button', { name: 'Delete' }).click();
  expect(app.redis('EXISTS', 'users:15:profile')).toBe('1');
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No key matches users:1?:*.').waitFor();
  expect(app.redis('EXISTS', 'users:15:profile')).toBe('0');
  expect(app.redis('EXISTS', 'users:1:profile')).toBe('1');
  expect(faults).toEqual([]);
  await close();
});

test('a key is marked stale from its detail', async () => {
  const { page, close } = await visit('operator', '#/keys?key=users:1:profile');
  await detail(page).getByRole('button', { name: 'Mark stale' }).click();
  await dialog(page).getByRole('button', { name: 'Mark stale' }).click();

  await dialog(page).waitFor({ state: 'detached' });
  expect(Number(app.redis('TTL', 'users:1:profile'))).toBeLessThanOrEqual(60);
  await close();
});

const PROFILE = 'users:3:profile';

test('a value is edited with all digits, its TTL stays, and the edit is undone', async () => {
  const before = '{"n":12345678901234567890123,"a":1.10}';
  app.redis('SET', PROFILE, before, 'EX', 900);
  const { page, faults, close } = await visit('admin', `#/keys?key=${PROFILE}`);
  await detail(page).getByRole('button', { name: 'Edit', exact: true }).click();
  const value = dialog(page).getByLabel('Value, as it is stored');
  expect(await value.inputValue()).toBe(before);

  await value.fill('{"n":');
  await dialog(page).getByText('This is not JSON, as the value was.').waitFor();
  expect(await violations(page)).toEqual([]);
  await value.fill('{"n":12345678901234567890124,"a":1.10}');
  await dialog(page).getByRole('button', { name: 'Save' }).click();

  await detail(page).getByText('12345678901234567890124', { exact: true }).waitFor();
  expect(app.redis('GET', PROFILE)).toBe('{"n":12345678901234567890124,"a":1.10}');
  expect(Number(app.redis('TTL', PROFILE))).toBeGreaterThan(800);
  await detail(page)
    .getByText(/edit users:3:profile/)
    .waitFor();

  await detail(page).getByRole('button', { name: 'Undo' }).click();
  await detail(page).getByText('12345678901234567890123', { exact: true }).waitFor();
  expect(app.redis('GET', PROFILE)).toBe(before);
  expect(faults).toEqual([]);
  await close();
});

test('a newer value is shown before it is overwritten', async () => {
  app.redis('SET', PROFILE, 'first');
  const { page, close } = await visit('admin', `#/keys?key=${PROFILE}`);
  await detail(page).getByRole('button', { name: 'Edit', exact: true }).click();
  app.redis('SET', PROFILE, 'second');
  await dialog(page).getByLabel('Value, as it is stored').fill('mine');
  await dialog(page).getByRole('button', { name: 'Save' }).click();

  const newer = dialog(page).getByRole('region', { name: 'The newer value' });
  await newer.getByText('second').waitFor();
  expect(app.redis('GET', PROFILE)).toBe('second');
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'keys-edit-conflict');

  await newer.getByRole('button', { name: 'Replace it with mine' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  expect(app.redis('GET', PROFILE)).toBe('mine');
  await close();
});

test('a field of a hash is edited', async () => {
  const { page, faults, close } = await visit('admin', '#/keys?key=products:5:details');
  await detail(page).getByRole('button', { name: 'Edit stock' }).click();
  await dialog(page).getByLabel('Value, as it is stored').fill('17');
  await dialog(page).getByRole('button', { name: 'Save' }).click();

  await dialog(page).waitFor({ state: 'detached' });
  expect(app.redis('HGET', 'products:5:details', 'stock')).toBe('17');
  expect(app.redis('HGET', 'products:5:details', 'id')).toBe('5');
  expect(faults).toEqual([]);
  await close();
});
