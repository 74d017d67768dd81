// The jobs view: the list, the live progress of a job, and pausing, resuming and cancelling it.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { type Role, TOKENS } from './app.ts';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const KEYS = 20_000;
const { app, visit } = setup();
beforeEach(() => {
  app.redis('FLUSHALL');
  app.redis('EVAL', `for n = 1, ${KEYS} do redis.call('SET', 'bulk:' .. n, n) end`, 0);
});

const list = (page: Page) => page.getByRole('group', { name: 'Jobs' });
const job = (page: Page) => page.getByRole('region', { name: /^Job / });
const state = (page: Page, name: string) => job(page).getByText(name, { exact: true });

/** Starts a job that clears, and returns its id. */
async function start(body: object = {}, role: Role = 'admin'): Promise<string> {
  const response = await fetch(`${app.url}/api/cache/clear`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS[role]}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pattern: 'bulk:*', confirm: true, async: true, ...body }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { job: { id: string } }).job.id;
}

test('without jobs the list says so, and links to clearing', async () => {
  const { page, faults, close } = await visit('viewer');
  await open(page, 'Jobs');

  await page.getByText('No jobs in the last 7 days.').waitFor();

  await page.getByLabel('State').selectOption('failed');
  await page.getByText('No job is failed.').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('the progress of a job is shown while it runs, and the tab may be closed', async () => {
  const id = await start({ maxKeysPerSecond: 4000 });
  const first = await visit('operator', '#/jobs');
  await list(first.page).getByRole('link').click();
  await job(first.page).getByRole('progressbar').waitFor();
  await job(first.page)
    .getByText(/keys per second/)
    .waitFor();
  expect(await violations(first.page)).toEqual([]);
  await screenshot(first.page, 'job-running');
  await first.close();

  const { page, faults, close } = await visit('viewer', `#/jobs?id=${id}`);
  await state(page, 'done').waitFor({ timeout: 60_000 });

  expect(await job(page).innerText()).toContain('20,000 keys deleted');
  expect(await job(page).innerText()).toContain('by deploy');
  expect(app.redis('EXISTS', 'bulk:1')).toBe('0');
  expect(faults).toEqual([]);
  await close();
});

test('an operator pauses, resumes and cancels a job', async () => {
  const id = await start({ maxKeysPerSecond: 500 });
  const { page, faults, close } = await visit('operator', `#/jobs?id=${id}`);

  await job(page).getByRole('button', { name: 'Pause' }).click();
  await state(page, 'paused').waitFor();
  await job(page).getByRole('button', { name: 'Resume' }).click();
  await state(page, 'running').or(state(page, 'queued')).waitFor();
  await job(page).getByRole('button', { name: 'Cancel job' }).click();
  await state(page, 'cancelled').waitFor();

  expect(await job(page).getByRole('button').count()).toBe(0);
  await page.getByRole('link', { name: 'All jobs' }).click();
  await page.getByLabel('State').selectOption('cancelled');
  await list(page).getByText('cancelled').first().waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a dry run is executed after a confirmation, for the keys that it has found', async () => {
  const id = await start({ dryRun: true });
  // Only an admin may clear nearly all keys.
  const { page, faults, close } = await visit('admin', `#/jobs?id=${id}`);
  await state(page, 'done').waitFor();
  app.redis('SET', 'bulk:new', '1');
  const execute = page.getByRole('button', { name: 'Execute: Delete 20,000 keys' });
  expect(await execute.getAttribute('aria-disabled')).toBe('true');
  await screenshot(page, 'job-execute');
  expect(await violations(page)).toEqual([]);

  await page.getByLabel(/Type the number of keys/).fill('20000');
  await execute.click();

  await page.getByText('20,000 keys deleted').first().waitFor();
  await page.getByText('1 key appeared since the dry run').waitFor();
  expect(app.redis('EXISTS', 'bulk:new', 'bulk:1')).toBe('1');
  expect(faults).toEqual([]);
  await close();
});

test('a scheduled job tells when it begins, and can be cancelled', async () => {
  const id = await start({ runAt: new Date(Date.now() + 3_600_000).toISOString() });
  const { page, faults, close } = await visit('operator', '#/jobs?state=scheduled');
  await list(page)
    .getByText(/^begins /)
    .waitFor();

  await page.goto(`${app.url}/admin#/jobs?id=${id}`);
  await state(page, 'scheduled').waitFor();
  expect(await job(page).innerText()).toMatch(/in (59m|1h)/);
  expect(await job(page).getByRole('button', { name: 'Pause' }).count()).toBe(0);
  await job(page).getByRole('button', { name: 'Cancel job' }).click();

  await state(page, 'cancelled').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a viewer sees a job and the role that changing it needs', async () => {
  const id = await start({ maxKeysPerSecond: 500 });
  const { page, close } = await visit('viewer', `#/jobs?id=${id}`);

  await job(page).getByText('Requires the operator role; your token has the viewer role.').waitFor();

  expect(await job(page).getByRole('button', { name: 'Pause' }).getAttribute('aria-disabled')).toBe('true');
  await close();
});

test('older jobs are loaded on request', async () => {
  for (let n = 0; n < 52; n += 1) await start({ dryRun: true, pattern: `none:${n}:*` });
  const { page, close } = await visit('viewer', '#/jobs');
  await page.getByText(/^50 of \d+$/).waitFor();

  await page.getByRole('button', { name: 'Load older' }).click();

  await list(page).getByText('none:0:*').waitFor();
  expect(await list(page).getByRole('row').count()).toBeGreaterThan(52);
  await close();
});

test('a job that does not exist, and Redis that is down, are reported', async () => {
  const { page, close } = await visit('viewer', '#/jobs?id=00000000000000000000');
  await page.getByText('Reading the job failed').waitFor();

  await app.stopRedis();
  await page.getByRole('link', { name: 'All jobs' }).click();
  await page.getByText('Listing jobs failed: Redis is not available').waitFor();
  await app.startRedis();
  await page.getByText('No jobs in the last 7 days.').waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  const id = await start({ dryRun: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/jobs', { colorScheme, viewport });
    await list(page).getByRole('link').first().waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, `jobs-${size}-${colorScheme}`);

    await page.goto(`${app.url}/admin#/jobs?id=${id}`);
    await job(page).waitFor();
    expect(await violations(page)).toEqual([]);
    await screenshot(page, `job-${size}-${colorScheme}`);
    await close();
  }
});
