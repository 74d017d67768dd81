// The overview: health, figures, charts and alerts.
import { beforeAll, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { screenshot, setup, SIZES, violations } from './browser.ts';
import { fill } from './data.ts';

const MINUTE_MS = 60_000;

// Alerts are raised without a delay.
const { app, visit } = setup({ alert_after_seconds: '0' });
beforeAll(() => fill(app));

test('the figures are those of Redis', async () => {
  const { page, faults, close } = await visit('viewer');
  const figure = (name: string) => page.locator('.figure').filter({ has: page.getByText(name, { exact: true }) });

  await figure('Keys').getByText(app.redis('DBSIZE'), { exact: true }).waitFor();

  expect(await figure('Hit rate in Redis').innerText()).toMatch(/\d\d\.\d %\s*of 1,50\d lookups by all clients/);
  expect(await figure('Version').innerText()).toContain(app.redis('INFO', 'server').match(/redis_version:(\S+)/)?.[1]);
  expect(await figure('Memory').innerText()).toMatch(/\d MB\s*no limit is set/);
  for (const name of ['Commands / s', 'Clients', 'Evictions', 'Uptime'])
    expect(await figure(name).innerText()).toMatch(/\d/);
  expect(await page.getByRole('region', { name: 'Health' }).innerText()).toMatch(/healthy\s*Redis answers in \d+/);
  expect(faults).toEqual([]);
  await close();
});

test('while the first figures load, their outline keeps the place', async () => {
  const { page, close } = await visit('viewer', '', { reducedMotion: 'reduce' });
  await page.route('**/api/cache/{stats,history}*', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await route.continue();
  });
  await page.reload();

  const outline = page.locator('.skeleton').filter({ hasText: 'Loading statistics …' });
  await outline.waitFor();
  expect(
    await outline
      .locator('.bone')
      .first()
      .evaluate((bone) => getComputedStyle(bone).animationName),
  ).toBe('none');
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'overview-loading');
  await page.getByRole('img', { name: /^Memory: now/ }).waitFor();

  const shift = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const sum = (entries: PerformanceEntryList): number =>
          entries.reduce((total, entry) => total + (entry as unknown as { value: number }).value, 0);
        new PerformanceObserver((list) => resolve(sum(list.getEntries()))).observe({
          type: 'layout-shift',
          buffered: true,
        });
        setTimeout(() => resolve(0), 1000);
      }),
  );
  // Cumulative Layout Shift: below 0.1 is good (web.dev/articles/cls).
  expect(shift).toBeLessThan(0.1);
  await close();
});

test('charts grow every five seconds, and pause while the page is hidden', async () => {
  const { page, faults, close } = await visit('viewer', '#/overview?range=live');
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

const post = (path: string, body: object): Promise<Response> =>
  fetch(`${app.url}/api/cache${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS.admin}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** Counts lookups as the library does. */
function countLookups(module: string, counts: Record<string, number>): void {
  for (const [name, count] of Object.entries(counts)) app.redis('HINCRBY', 'cache:lookups', `${module}:${name}`, count);
}

test(
  'the services’ hit rate comes first, by module, and the timeline outlives a reload with its marks',
  { timeout: 3 * MINUTE_MS },
  async () => {
    await post('/warmup/scheduled', {});
    countLookups('users', { hit: 900, stale: 50, miss: 50, loads: 50, load_us: 2_000_000 });
    countLookups('products', { hit: 100, miss: 400, loads: 400, load_us: 48_000_000 });
    await post('/clear', { pattern: 'orders:*' });
    const { page, faults, close } = await visit('viewer');

    // The row of the next minute has the lookups.
    const services = page.getByRole('region', { name: 'Hit rate of the services' });
    for (const end = Date.now() + 2 * MINUTE_MS; Date.now() < end; await page.waitForTimeout(3000)) {
      await post('/warmup/scheduled', {});
      if (await services.getByText('products').isVisible()) break;
    }

    await page.reload();
    await services.getByText('70.0 %').waitFor();
    const modules = services.getByRole('group', { name: 'Lookups by module' }).getByRole('row');
    expect(await modules.nth(1).innerText()).toMatch(/^products\s+20\.0 %/);
    expect(await modules.nth(2).innerText()).toMatch(/^users\s+95\.0 %/);
    expect(await modules.nth(1).innerText()).toContain('120 ms');

    const timeline = page.getByRole('region', { name: 'Timeline' });
    await timeline.getByRole('img', { name: /^Hit rate: now 70 %/ }).waitFor();
    await timeline.getByText('deploy cleared orders:*').first().waitFor();
    const loads = timeline.getByRole('figure').filter({ hasText: 'Load time' });
    expect(await loads.innerText()).toMatch(/all modules\s+products\s+users/);
    const keys = timeline.getByRole('figure').filter({ hasText: 'without a TTL' });
    await keys.getByRole('img', { name: /^Keys: now/ }).waitFor();
    const mark = timeline.getByRole('button', { name: /deploy cleared orders:\*/ });
    await mark.focus();
    await mark.locator('.mark-text').waitFor();

    await mark.press('Enter');
    await timeline.getByRole('button', { name: 'Zoom out' }).waitFor();
    await timeline.getByRole('img', { name: /^Memory: now/ }).waitFor();
    expect(page.url()).toMatch(/from=.*&to=/);

    await timeline.getByRole('button', { name: '7 d', exact: true }).click();
    await timeline.getByRole('img', { name: /^Memory: now/ }).waitFor();
    expect(page.url()).toContain('range=7d');
    expect(await violations(page)).toEqual([]);
    await screenshot(page, 'overview-timeline');
    expect(faults).toEqual([]);
    await close();
  },
);

test('what it costs to load a prefix again is known where its module had loads', async () => {
  await post('/analysis', {});
  const { page, faults, close } = await visit('viewer', '#/memory');
  const prefixes = page.getByRole('group', { name: 'Prefixes' });

  const users = prefixes.getByRole('row', { name: /^users:/ });
  await users.getByTitle(/keys, each the 40 ms that a load of users took/).waitFor();
  const others = prefixes.getByRole('row', { name: /^vehicles:/ });
  await others.getByTitle('No load of vehicles was counted in the last 24 hours.').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('writes that Redis refuses are named, in red, with what to do', async () => {
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  app.redis('CONFIG', 'SET', 'maxmemory', '1mb');
  const { page, faults, close } = await visit('admin');

  const box = page.getByRole('alert').filter({ hasText: 'Writes are refused: memory is full' });
  await box.getByRole('link', { name: 'See what fills it' }).waitFor();
  expect(await box.innerText()).toMatch(/% of maxmemory/);
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'writes-refused');

  app.redis('CONFIG', 'SET', 'maxmemory', 0);
  await box.waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
  await close();
});

test('memory near its limit is an alert with advice, and fills the bar', async () => {
  const used = Number(app.redis('INFO', 'memory').match(/used_memory:(\d+)/)?.[1]);
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  app.redis('CONFIG', 'SET', 'maxmemory', Math.round(used * 1.06));
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

test('after a restart the cold cache is named, and warmed up', async () => {
  await app.stopRedis();
  await app.startRedis();
  const { page, close } = await visit('admin');

  await page.getByText('Redis started recently, and the cache is cold').waitFor();
  await screenshot(page, 'overview-cold');
  await page.getByRole('button', { name: 'Warm up now' }).click();

  await page.getByText('Redis started recently, and the cache is cold').waitFor({ state: 'detached' });
  expect(Number(app.redis('DBSIZE'))).toBeGreaterThan(100);
  await close();
});
