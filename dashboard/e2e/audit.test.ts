// Part 5: who changed or tried to change what.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { open, picture, SIZES, stage, violations } from './browser.ts';

const { app, visit } = stage();
const post = (role: keyof typeof TOKENS, path: string, body: object): Promise<Response> =>
  fetch(`${app.url}/api/cache${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS[role]}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  for (let n = 1; n <= 120; n += 1) await post('operator', '/invalidate', { keys: [`users:${n}`] });
  await post('admin', '/clear', { pattern: 'products:*' });
  await post('viewer', '/clear', { pattern: 'orders:*' });
});

const rows = (page: Page) => page.locator('.records tbody tr');

test('records come newest first, a page at a time', async () => {
  const { page, faults, close } = await visit('admin');
  await open(page, 'Audit');
  await rows(page).first().waitFor();
  expect(await rows(page).first().innerText()).toMatch(/monitoring viewer\s+denied\s+POST \/api\/cache\/clear/);
  expect(await rows(page).nth(1).innerText()).toMatch(/deploy admin\s+clear\s+products:\*/);
  expect(await rows(page).nth(2).innerText()).toMatch(/support operator\s+invalidate\s+users:120/);
  expect(await rows(page).count()).toBe(100);
  await page.getByRole('button', { name: 'Load older' }).click();
  await page.getByText('122 shown, 122 looked through of 122').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a filter by who and by action looks on until it finds', async () => {
  const { page, close } = await visit('admin', '#/audit');
  await rows(page).first().waitFor();
  await page.getByLabel('Who').fill('DEP');
  await page.getByText('1 shown, 122 looked through').waitFor();
  await page.getByLabel('Action').selectOption('denied');
  await page.getByText('None of the records looked through fits the filter.').waitFor();
  await page.getByLabel('Who').fill('');
  await page.getByText('1 shown').waitFor();
  expect(await rows(page).first().innerText()).toContain('monitoring');
  await close();
});

test('a change made here appears here, with who made it', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=config:*');
  app.redis('SET', 'config:x', '1');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Remove 1 key' }).click();
  await page.getByText('1 key removed').first().waitFor();
  await open(page, 'Audit');
  await rows(page).filter({ hasText: 'config:*' }).waitFor();
  expect(await rows(page).first().innerText()).toMatch(/deploy admin\s+clear\s+config:\*\s+1\s/);
  await close();
});

test('a token that may not read it is told so, without a denied attempt of its own', async () => {
  const before = app.redis('-n', 1, 'XLEN', 'cache:audit');
  const { page, close } = await visit('operator');
  await page.getByText('support · operator').waitFor();
  await open(page, 'Audit');
  await page.getByText('Needs the role admin; your token has operator.').waitFor();
  expect(app.redis('-n', 1, 'XLEN', 'cache:audit')).toBe(before);
  expect(await violations(page)).toEqual([]);
  await close();
});

test('a link to what the role may not see makes no denied attempt either', async () => {
  const before = app.redis('-n', 1, 'XLEN', 'cache:audit');
  const { page, close } = await visit('viewer', '#/audit');
  await page.getByText('Needs the role admin; your token has viewer.').waitFor();
  await page.goto(`${app.url}/admin#/keys?key=users:1`);
  await page.reload();
  await page.getByText('Needs the role operator; your token has viewer.').waitFor();
  expect(await page.getByText('Loading the key').count()).toBe(0);
  expect(app.redis('-n', 1, 'XLEN', 'cache:audit')).toBe(before);
  await close();
});

test.each(['light', 'dark'] as const)('axe finds nothing wrong, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/audit', { colorScheme, viewport });
    await rows(page).first().waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, `audit-${size}-${colorScheme}`);
    await close();
  }
});
