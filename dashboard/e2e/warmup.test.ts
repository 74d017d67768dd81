// Part 4: filling the cache.
import type { Page } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import { open, picture, SIZES, stage, violations } from './browser.ts';

const { app, visit } = stage();
// Ten keys a second leave time to look at a warmup while it runs.
const { app: slow, visit: visitSlow } = stage({ warmup_rate: '10' });
beforeEach(() => {
  app.redis('FLUSHALL');
  slow.redis('FLUSHALL');
});

const latest = (page: Page) => page.getByRole('region', { name: 'Latest warmup' });
const modules = (page: Page) => page.getByRole('region', { name: 'Modules' });

test('chosen modules are warmed up, and each tells how it went', async () => {
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

test('with force keys that exist are written again, without it they are left alone', async () => {
  app.redis('SET', 'users:active:count', 'mine');
  const { page, close } = await visit('admin', '#/warmup');
  await modules(page).getByRole('checkbox', { name: 'users' }).check();
  await page.getByRole('button', { name: 'Warm up 1 module' }).click();
  await latest(page)
    .getByText(/1 left alone/)
    .waitFor();
  expect(app.redis('GET', 'users:active:count')).toBe('mine');
  await page.getByRole('checkbox', { name: /^Force/ }).check();
  await page.getByRole('button', { name: 'Warm up 1 module' }).click();
  await latest(page).getByText(', forced').waitFor();
  await latest(page).getByText('done', { exact: true }).waitFor();
  expect(app.redis('GET', 'users:active:count')).not.toBe('mine');
  await close();
});

test('a dry run counts and writes nothing', async () => {
  const { page, close } = await visit('admin', '#/warmup');
  await page.getByRole('checkbox', { name: /^Dry run/ }).check();
  await page.getByRole('button', { name: 'Try out everything' }).click();
  const tried = page.getByRole('region', { name: 'Dry run' });
  await tried.getByText('done, dry run').waitFor();
  expect(await tried.innerText()).toMatch(/[1-9][\d,]* keys would be created/);
  expect(app.redis('EXISTS', 'products:popular:list')).toBe('0');
  await close();
});

test('a running warmup shows its progress to everybody, and an administrator can cancel it', async () => {
  const { page, faults, close } = await visitSlow('admin', '#/warmup');
  const watcher = await visitSlow('viewer', '#/warmup');
  await page.getByRole('button', { name: 'Warm up everything' }).click();
  const bar = watcher.page.getByRole('progressbar', { name: 'Progress of the warmup' });
  await bar.waitFor();
  await watcher.page.getByText(/keys a second/).waitFor();
  expect(await watcher.page.getByRole('button', { name: 'Cancel' }).getAttribute('aria-disabled')).toBe('true');
  await page.getByRole('progressbar', { name: 'Progress of the warmup' }).waitFor();
  await picture(page, 'warmup-running');
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await latest(page).getByText('cancelled', { exact: true }).waitFor();
  await latest(watcher.page).getByText('cancelled', { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await watcher.close();
  await close();
});

test('what each module loads is told, and the state of the schedule', async () => {
  const { page, close } = await visit('viewer', '#/warmup');
  const schedule = page.getByRole('region', { name: 'Schedule' });
  await schedule.waitFor();
  expect(await schedule.innerText()).toContain('is the scheduled component running?');
  await modules(page).getByRole('button', { name: /entr/ }).first().click();
  await modules(page).getByRole('columnheader', { name: 'Source' }).waitFor();
  await close();
});

test('what could not be read while Redis was away is there when it is back', async () => {
  await app.stopRedis();
  const { page, close } = await visit('viewer', '#/warmup');
  await page.getByText('Reading the state of warmups did not work').waitFor();
  await app.startRedis();
  await page.getByText('There has been no warmup yet.').waitFor();
  await modules(page).waitFor();
  await page.getByRole('region', { name: 'Schedule' }).waitFor();
  await close();
});

test.each(['light', 'dark'] as const)('axe finds nothing wrong, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('admin', '#/warmup', { colorScheme, viewport });
    await modules(page).getByRole('button', { name: /entr/ }).first().click();
    expect(await violations(page)).toEqual([]);
    await picture(page, `warmup-${size}-${colorScheme}`);
    await close();
  }
});
