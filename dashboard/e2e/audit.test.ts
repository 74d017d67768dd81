// The audit view: changes and denied attempts, and their callers.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const { app, visit } = setup();

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
const deniedAttempts = (): string => app.redis('-n', 1, 'XLEN', 'cache:audit:denied');

test('records are listed newest first, a page at a time', async () => {
  const { page, faults, close } = await visit('admin');
  await open(page, 'Audit');
  await rows(page).first().waitFor();

  expect(await rows(page).first().innerText()).toMatch(/monitoring viewer\s+denied\s+POST \/api\/cache\/clear/);
  expect(await rows(page).nth(1).innerText()).toMatch(/deploy admin\s+clear\s+products:\*/);
  expect(await rows(page).nth(2).innerText()).toMatch(/support operator\s+invalidate\s+users:120/);
  expect(await rows(page).count()).toBe(100);

  await page.getByRole('button', { name: 'Load older' }).click();
  await page.getByText('122 shown, 122 of 122 searched').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a filter by caller and action searches older records until it finds some', async () => {
  const { page, close } = await visit('admin', '#/audit');
  await rows(page).first().waitFor();

  await page.getByLabel('Caller').fill('DEP');
  await page.getByText('1 shown, 122 of 122 searched').waitFor();

  await page.getByLabel('Action').selectOption('denied');
  await page.getByText('None of the records searched matches the filter.').waitFor();

  await page.getByLabel('Caller').fill('');
  await page.getByText('1 shown').waitFor();
  expect(await rows(page).first().innerText()).toContain('monitoring');
  await close();
});

test('a change made on this page is recorded with its caller', async () => {
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

test('a name that is not UTF-8 is marked as escaped', async () => {
  app.redis('EVAL', "redis.call('SET', 'caf\\233', 'x')", 0);
  const response = await fetch(`${app.url}/api/cache/keys/entry`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${TOKENS.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ keyBase64: 'Y2Fm6Q==' }),
  });
  expect(response.status).toBe(200);
  const { page, close } = await visit('admin', '#/audit');

  await rows(page).filter({ hasText: 'caf\\xe9 escaped' }).waitFor();
  await close();
});

test('a role that is too low is explained, without a denied attempt', async () => {
  const before = deniedAttempts();
  const { page, close } = await visit('operator');
  await page.getByText('support · operator').waitFor();

  await open(page, 'Audit');

  await page.getByText('Requires the admin role; your token has the operator role.').waitFor();
  expect(deniedAttempts()).toBe(before);
  expect(await violations(page)).toEqual([]);
  await close();
});

test('a link to what the role may not see makes no denied attempt', async () => {
  const before = deniedAttempts();
  const { page, close } = await visit('viewer', '#/audit');
  await page.getByText('Requires the admin role; your token has the viewer role.').waitFor();

  await page.goto(`${app.url}/admin#/keys?key=users:1`);
  await page.reload();

  await page.getByText('Requires the operator role; your token has the viewer role.').waitFor();
  expect(await page.getByText('Loading the key').count()).toBe(0);
  expect(deniedAttempts()).toBe(before);
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/audit', { colorScheme, viewport });
    await rows(page).first().waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `audit-${size}-${colorScheme}`);
    await close();
  }
});
