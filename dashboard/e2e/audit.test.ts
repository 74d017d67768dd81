// The audit view: changes and denied attempts, and their callers.
import { readFileSync } from 'node:fs';
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
  await page.getByText('122 of 122', { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('filters are kept in the address, and survive a reload', async () => {
  const { page, faults, close } = await visit('admin', '#/audit');
  await rows(page).first().waitFor();

  await page.getByLabel('Caller').fill('deploy');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByText('1 found', { exact: true }).waitFor();
  await page.getByLabel('Outcome').selectOption('failed');
  await page.getByText('No record matches the filter.').waitFor();
  expect(page.url()).toContain('who=deploy&outcome=failed');

  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByLabel('Key').fill('users:7');
  await page.getByLabel('Key').press('Enter');
  await page.getByText('1 found', { exact: true }).waitFor();
  await page.reload();

  await page.getByText('1 found', { exact: true }).waitFor();
  expect(await rows(page).first().innerText()).toMatch(/support operator\s+invalidate\s+users:7\s/);
  expect(faults).toEqual([]);
  await close();
});

test('a time in the future finds nothing', async () => {
  const { page, close } = await visit('admin', `#/audit?from=${new Date(Date.now() + 3_600_000).toISOString()}`);

  await page.getByText('No record matches the filter.').waitFor();

  expect(await page.getByLabel('From').inputValue()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d$/);
  await close();
});

test('the records of a filter are exported', async () => {
  const { page, faults, close } = await visit('admin', '#/audit?who=support');
  await rows(page).first().waitFor();

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as NDJSON' }).click(),
  ]);

  expect(download.suggestedFilename()).toMatch(/^audit-\d{4}-\d\d-\d\d\.ndjson$/);
  const lines = readFileSync(await download.path(), 'utf8')
    .trimEnd()
    .split('\n');
  expect(lines.length).toBe(120);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ who: 'support', action: 'invalidate' });

  const [table] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as CSV' }).click(),
  ]);
  const rowsOfTable = readFileSync(await table.path(), 'utf8').split('\r\n');
  expect(table.suggestedFilename()).toMatch(/\.csv$/);
  expect(rowsOfTable).toHaveLength(122);
  expect(rowsOfTable[1]).toContain(',support,operator,invalidate,ok,');
  expect(faults).toEqual([]);
  await close();
});

test('a change made on this page is recorded with its caller', async () => {
  const { page, close } = await visit('admin', '#/clear?by=pattern&pattern=config:*');
  app.redis('SET', 'config:x', '1');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('radio', { name: /^Delete/ }).check();
  await page.getByRole('button', { name: 'Delete 1 key' }).click();
  await page.getByText('1 key deleted').first().waitFor();

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
