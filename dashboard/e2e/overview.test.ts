// The overview: health, figures, charts and alerts.
import { beforeAll, expect, test } from 'vitest';
import { screenshot, setup, SIZES, violations } from './browser.ts';
import { fill } from './data.ts';

const { app, visit } = setup();
beforeAll(() => fill(app));

test('the figures are those of Redis', async () => {
  const { page, faults, close } = await visit('viewer');
  const figure = (name: string) => page.locator('.figure').filter({ has: page.getByText(name, { exact: true }) });

  await figure('Keys').getByText(app.redis('DBSIZE'), { exact: true }).waitFor();

  expect(await figure('Hit rate').innerText()).toMatch(/\d\d\.\d %\s*of 1,50\d lookups by all clients/);
  expect(await figure('Version').innerText()).toContain(app.redis('INFO', 'server').match(/redis_version:(\S+)/)?.[1]);
  expect(await figure('Memory').innerText()).toMatch(/\d MB\s*no limit is set/);
  for (const name of ['Commands / s', 'Clients', 'Evictions', 'Uptime'])
    expect(await figure(name).innerText()).toMatch(/\d/);
  expect(await page.getByRole('region', { name: 'Health' }).innerText()).toMatch(/healthy\s*Redis answers in \d+/);
  expect(faults).toEqual([]);
  await close();
});

test('charts grow every five seconds, and pause while the page is hidden', async () => {
  const { page, faults, close } = await visit('viewer');
  const requests: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  const points = (): number => requests.filter((url) => url.endsWith('/stats')).length;

  await page.getByText('one point every 5 s').waitFor();
  for (const name of ['Hit rate', 'Memory', 'Commands per second', 'Latency of PING']) {
    const chart = page.getByRole('img', { name: new RegExp(`^${name}: now `) });
    expect(await chart.locator('canvas').count()).toBe(1);
  }
  await page.getByRole('img', { name: /^Memory: now / }).hover();
  await page.getByText(/^\d\d:\d\d:\d\d: [\d.]+ MB$/).waitFor();
  await page.waitForRequest((request) => request.url().endsWith('/health'));
  expect(points()).toBeGreaterThanOrEqual(1);

  // A headless page is never hidden, so the test changes what the page reads.
  const setHidden = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await setHidden(true);
  await page.waitForTimeout(1000);
  const before = points();
  await page.waitForTimeout(12_000);
  expect(points()).toBe(before);

  await setHidden(false);
  await page.waitForRequest((request) => request.url().endsWith('/stats'));
  expect(faults).toEqual([]);
  await close();
});

test('memory near its limit is an alert with advice, and fills the bar', async () => {
  const used = Number(app.redis('INFO', 'memory').match(/used_memory:(\d+)/)?.[1]);
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  app.redis('CONFIG', 'SET', 'maxmemory', Math.round(used * 1.02));
  const { page, faults, close } = await visit('viewer');

  const alerts = page.getByRole('region', { name: 'Alerts' });
  await alerts.getByText('Memory is nearly full').waitFor();
  expect(await alerts.innerText()).toContain('maxmemory');

  const bar = page.getByRole('progressbar', { name: 'Memory used' });
  expect(Number(await bar.getAttribute('aria-valuenow'))).toBeGreaterThan(90);

  await page.locator('.health.warn').getByText('degraded').waitFor();
  expect(await page.getByRole('region', { name: 'Health' }).innerText()).toContain('maxmemory');

  await screenshot(page, 'overview-alert');
  app.redis('CONFIG', 'SET', 'maxmemory', 0);
  expect(faults).toEqual([]);
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('viewer', '', { colorScheme, viewport });
    await page.getByRole('img', { name: /^Memory: now/ }).waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `overview-${size}-${colorScheme}`);
    await close();
  }
});
