// Part 7: for everybody, on every screen, and honest when something is missing.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { ROOT, TOKENS } from './app.ts';
import { open, picture, SIZES, signIn, stage, violations } from './browser.ts';
import { sample } from './data.ts';

const { app, visit } = stage();
beforeAll(() => sample(app));

const VIEWS = ['overview', 'clear', 'keys', 'keys?key=users:1:profile', 'warmup', 'audit', 'dev'];

test('no token: health is told, and the way in', async () => {
  const { page, faults, close } = await visit(null);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.locator('.health').getByText('healthy').waitFor();
  expect(await page.getByRole('navigation').count()).toBe(0);
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    expect(await violations(page)).toEqual([]);
    await picture(page, `sign-in-${size}`);
  }
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Type or paste a token first.').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a token that is not known is turned away in the words of the application', async () => {
  const { page, close } = await visit(null);
  await page.getByLabel('Token').fill('guessed');
  await page.keyboard.press('Enter');
  await page.getByText('this token is not known').waitFor();
  await signIn(page, TOKENS.viewer);
  await close();
});

test('the token lives in this tab: a reload keeps it, signing out and another tab do not', async () => {
  const { page, close } = await visit('viewer');
  await page.reload();
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
  const other = await page.context().newPage();
  await other.goto(`${app.url}/admin`);
  await other.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(TOKENS.viewer);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await close();
});

test('role too low: buttons say why, and do nothing', async () => {
  const { page, close } = await visit('viewer', '#/warmup');
  await page.getByText('monitoring · viewer').waitFor();
  const start = page.getByRole('button', { name: 'Warm up everything' });
  await page.getByText('Needs the role admin; your token has viewer.').first().waitFor();
  expect(await start.getAttribute('aria-disabled')).toBe('true');
  expect(await start.getAttribute('aria-describedby')).toBeTruthy();
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));
  await start.click({ force: true });
  await open(page, 'Clear');
  await page.getByLabel('Redis pattern').fill('users:*');
  await page.getByText('Needs the role operator; your token has viewer.').waitFor();
  await page.keyboard.press('Enter');
  await page.goto(`${app.url}/admin#/keys?key=users:1:profile`);
  await page.getByText('Values may be personal data').waitFor();
  expect(sent).toEqual([]);
  await picture(page, 'role-too-low');
  await close();
});

test('everything can be done with the keyboard alone', async () => {
  const { page, close } = await visit(null);
  await page.locator('input:focus').waitFor();
  await page.keyboard.type(TOKENS.admin);
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
  const tabTo = async (text: string): Promise<void> => {
    for (let presses = 0; presses < 40 && (await focused()) !== text; presses += 1) await page.keyboard.press('Tab');
    expect(await focused()).toBe(text);
  };
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.reload();
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to the content');
  await tabTo('Keys');
  await page.keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Keys' }).locator('[data-index="0"]').waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  for (
    let presses = 0;
    presses < 40 && !(await page.evaluate(() => document.activeElement?.hasAttribute('data-index')));
    presses += 1
  ) {
    await page.keyboard.press('Tab');
  }
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.locator('[data-index="2"]:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.detail').getByRole('heading', { name: 'Value' }).waitFor();
  await tabTo('Change TTL');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focused()).toBe('Change TTL');
  await page.keyboard.press('Escape');
  await page.locator('.detail').waitFor({ state: 'detached' });
  await close();
});

test.each(['light', 'dark'] as const)('from 360 px to wide nothing is cut off, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries({ ...SIZES, huge: { width: 2560, height: 1300 } })) {
    const { page, faults, close } = await visit('admin', '?dev', { colorScheme, viewport });
    for (const view of VIEWS) {
      await page.goto(`${app.url}/admin?dev#/${view}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(`${view} at ${size}: ${beyond} px too wide`).toBe(`${view} at ${size}: 0 px too wide`);
      expect(await violations(page)).toEqual([]);
    }
    expect(faults).toEqual([]);
    await close();
  }
});

test('the choice of colours holds', async () => {
  const { page, close } = await visit('viewer', '', { colorScheme: 'light' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await page.getByLabel('Colours').selectOption('dark');
  expect(await background()).not.toBe(light);
  await page.reload();
  await page.getByRole('navigation').waitFor();
  expect(await background()).not.toBe(light);
  await close();
});

test('an empty cache is said to be empty', async () => {
  app.redis('FLUSHALL');
  const { page, close } = await visit('viewer', '#/keys');
  await page.getByText('The cache is empty.').waitFor();
  await open(page, 'Overview');
  await page.getByText(/of [\d,]+ look-ups|no look-up yet/).waitFor();
  sample(app);
  await close();
});

test('Redis down is told with what is known, and recovers by itself', async () => {
  const { page, faults, close } = await visit('admin');
  await page.getByRole('img', { name: /^Memory: now/ }).waitFor();
  await app.stopRedis();
  await page.getByText('Redis is not available.').waitFor();
  await page.locator('.health.bad').getByText('unhealthy').waitFor();
  expect(await page.getByRole('alert').first().innerText()).toMatch(/What is shown is from \d+ s ago/);
  await picture(page, 'redis-down');
  expect(await violations(page)).toEqual([]);
  await open(page, 'Keys');
  await page.getByText('Listing keys did not work: Redis is not available').waitFor();
  await app.startRedis();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The cache is empty.').waitFor();
  await page.locator('.health.ok').getByText('healthy').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('every file decodes to itself, in every encoding', async () => {
  const dist = join(ROOT, 'dashboard/dist');
  const files = ['index.html', ...readdirSync(join(dist, 'assets')).map((name) => `assets/${name}`)];
  for (const file of files.filter((name) => !/\.(br|gz)$/.test(name))) {
    const plain = readFileSync(join(dist, file));
    expect(brotliDecompressSync(readFileSync(join(dist, `${file}.br`))).equals(plain)).toBe(true);
    expect(gunzipSync(readFileSync(join(dist, `${file}.gz`))).equals(plain)).toBe(true);
    for (const encoding of ['br', 'gzip', 'identity']) {
      const url = `${app.url}/admin/${file === 'index.html' ? '' : file}`;
      const response = await fetch(url, { headers: { 'accept-encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding);
      expect(Buffer.from(await response.arrayBuffer()).equals(plain)).toBe(true);
    }
  }
});

test('an application that is gone is told', async () => {
  const { page, close } = await visit('viewer');
  await page.getByRole('img', { name: /^Memory: now/ }).waitFor();
  await page.route('**/api/**', (route) => route.abort());
  await page.getByText('The application does not answer.').waitFor();
  await close();
});
