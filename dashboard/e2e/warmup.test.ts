// The warmup view: starting, progress, cancelling, the plan and the schedule.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const { app, visit } = setup();
// At ten keys per second a warmup runs long enough to be looked at.
const { app: slowApp, visit: visitSlowApp } = setup({ warmup_rate: '10' });
beforeEach(() => {
  app.redis('FLUSHALL');
  slowApp.redis('FLUSHALL');
});

const latest = (page: Page) => page.getByRole('region', { name: 'Latest warmup' });
const modules = (page: Page) => page.getByRole('region', { name: 'Modules' });

test('only the chosen modules are warmed up, and each shows its result', async () => {
  const { page, faults, close } = await visit('admin');
  await open(page, 'Warmup');
  await page.getByText('There has been no warmup yet.').waitFor();

  await modules(page).getByRole('checkbox', { name: 'users' }).check();
  await modules(page).getByRole('checkbox', { name: 'config' }).check();
  await page.getByRole('button', { name: 'Warm up 2 modules' }).click();

  await latest(page).getByText('done', { exact: true }).waitFor();
  expect(await latest(page).innerText()).toMatch(/by deploy/);
  expect(await latest(page).getByRole('progressbar').count()).toBe(2);
  await modules(page)
    .getByText(/^done .* by deploy: \d+ created/)
    .first()
    .waitFor();
  expect(app.redis('EXISTS', 'users:active:count')).toBe('1');
  expect(app.redis('EXISTS', 'products:popular:list')).toBe('0');
  expect(faults).toEqual([]);
  await close();
});

test('existing keys are kept, and overwritten only with force', async () => {
  app.redis('SET', 'users:active:count', 'mine');
  const { page, close } = await visit('admin', '#/warmup');
  await modules(page).getByRole('checkbox', { name: 'users' }).check();

  await page.getByRole('button', { name: 'Warm up 1 module' }).click();
  await latest(page)
    .getByText(/1 already cached/)
    .waitFor();
  expect(app.redis('GET', 'users:active:count')).toBe('mine');

  await page.getByRole('checkbox', { name: /^Force/ }).check();
  await page.getByRole('button', { name: 'Warm up 1 module' }).click();
  await latest(page).getByText(', forced').waitFor();
  await latest(page).getByText('done', { exact: true }).waitFor();
  expect(app.redis('GET', 'users:active:count')).not.toBe('mine');
  await close();
});

test('a dry run counts keys and writes none', async () => {
  const { page, close } = await visit('admin', '#/warmup');
  await page.getByRole('checkbox', { name: /^Dry run/ }).check();
  await page.getByRole('button', { name: 'Start dry run of everything' }).click();

  const dryRun = page.getByRole('region', { name: 'Dry run' });
  await dryRun.getByText('done, dry run').waitFor();
  expect(await dryRun.innerText()).toMatch(/[1-9][\d,]* keys would be created/);
  expect(app.redis('EXISTS', 'products:popular:list')).toBe('0');
  await close();
});

test('every role sees the progress of a warmup, and an admin can cancel it', async () => {
  const { page, faults, close } = await visitSlowApp('admin', '#/warmup');
  const viewer = await visitSlowApp('viewer', '#/warmup');
  await page.getByRole('button', { name: 'Warm up everything' }).click();

  await viewer.page.getByRole('progressbar', { name: 'Progress of the warmup' }).waitFor();
  await viewer.page.getByText(/keys per second/).waitFor();
  expect(await viewer.page.getByRole('button', { name: 'Cancel' }).getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('progressbar', { name: 'Progress of the warmup' }).waitFor();
  await screenshot(page, 'warmup-running');
  expect(await violations(page)).toEqual([]);

  await page.getByRole('button', { name: 'Cancel' }).click();
  await latest(page).getByText('cancelled', { exact: true }).waitFor();
  await latest(viewer.page).getByText('cancelled', { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await viewer.close();
  await close();
});

test('the entries of each module and the state of the schedule are shown', async () => {
  const { page, close } = await visit('viewer', '#/warmup');
  const schedule = page.getByRole('region', { name: 'Schedule' });
  await schedule.waitFor();
  expect(await schedule.innerText()).toContain('is the scheduled component running?');

  await modules(page).getByRole('button', { name: /entr/ }).first().click();
  await modules(page).getByRole('columnheader', { name: 'Source' }).waitFor();
  await close();
});

test('the state, the plan and the schedule are read again when Redis is back', async () => {
  await app.stopRedis();
  const { page, close } = await visit('viewer', '#/warmup');
  await page.getByText('Reading the state of warmups failed').waitFor();

  await app.startRedis();

  await page.getByText('There has been no warmup yet.').waitFor();
  await modules(page).waitFor();
  await page.getByRole('region', { name: 'Schedule' }).waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/warmup', { colorScheme, viewport });
    await modules(page).getByRole('button', { name: /entr/ }).first().click();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `warmup-${size}-${colorScheme}`);
    await close();
  }
});
