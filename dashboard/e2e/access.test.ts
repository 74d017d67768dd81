// Access for everyone: signing in, roles, the keyboard, every screen size and theme, and failures of Redis or the application.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { VIEWS } from '../src/state/route.ts';
import { ROOT, TOKENS } from './app.ts';
import { open, screenshot, setup, signIn, SIZES, violations } from './browser.ts';
import { fill } from './data.ts';

const { app, visit } = setup();
beforeAll(() => fill(app));

/** The addresses that are looked at: each view, and two of a key. */
const ADDRESSES = [...VIEWS, 'keys?key=users:1:profile', 'keys?key=users:none'];
/** More presses of Tab than any view needs to reach one of its elements. */
const MAX_TABS = 40;

const navigation = (page: Page) => page.getByRole('navigation', { name: 'Views' });

test('without a token the page shows the health and the sign-in form only', async () => {
  const { page, faults, close } = await visit(null);
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.locator('.health').getByText('healthy').waitFor();
  expect(await page.getByRole('navigation').count()).toBe(0);

  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    expect(await violations(page)).toEqual([]);
    await screenshot(page, `sign-in-${size}`);
  }

  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('Type or paste a token first.').waitFor();
  expect(faults).toEqual([]);
  await close();
});

test('a rejected token shows the reason, and another one can be entered', async () => {
  const { page, close } = await visit(null);
  await page.getByLabel('Token').fill('guessed-but-never-configured');
  await page.keyboard.press('Enter');

  await page.getByText('Unknown token. Did you paste all of it?').waitFor();

  await signIn(page, TOKENS.viewer);
  await close();
});

test('a token lasts until signing out, in its own tab only', async () => {
  const { page, close } = await visit('viewer');
  await page.reload();
  await navigation(page).waitFor();

  const otherTab = await page.context().newPage();
  await otherTab.goto(`${app.url}/admin`);
  await otherTab.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(TOKENS.viewer);

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await close();
});

test('a remembered token signs in other tabs for 12 hours, and signing out ends it in all of them', async () => {
  const { page, close } = await visit(null);
  await page.getByRole('checkbox', { name: /^Remember me/ }).check();
  await signIn(page, TOKENS.viewer);
  const otherTab = await page.context().newPage();
  await otherTab.goto(`${app.url}/admin`);
  await navigation(otherTab).waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await otherTab.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain(TOKENS.viewer);

  await page.getByRole('checkbox', { name: /^Remember me/ }).check();
  await signIn(page, TOKENS.viewer);
  await page.context().clock.install({ time: Date.now() + 12 * 3_600_000 + 1000 });
  await otherTab.reload();
  await otherTab.getByRole('heading', { name: 'Sign in' }).waitFor();
  await close();
});

test('the keyboard focuses the search, and lists the shortcuts', async () => {
  const { page, close } = await visit('viewer');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.keyboard.press('/');
  await page.getByLabel('Pattern or part of a name').and(page.locator(':focus')).waitFor();

  await page.keyboard.type('users?/');
  expect(await page.getByLabel('Pattern or part of a name').inputValue()).toBe('users?/');

  await open(page, 'Overview');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'shortcuts');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await close();
});

test('commands open views, change settings and search', async () => {
  const { page, faults, close } = await visit('viewer');
  await page.keyboard.press('Control+k');
  const commands = page.getByRole('dialog', { name: 'Commands' });
  await commands.getByRole('combobox').fill('jobs');
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'commands');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Jobs' }).waitFor();

  await page.keyboard.press('Control+k');
  await commands.getByRole('combobox').fill('users:1:*');
  await page.keyboard.press('Enter');
  await page.getByText('All 1 key', { exact: true }).waitFor();

  await page.keyboard.press('Control+k');
  await commands.getByRole('combobox').fill('theme light');
  await page.keyboard.press('Enter');
  await page.locator(':root[data-theme="light"]').waitFor();

  await page.keyboard.press('Control+k');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Escape');
  await commands.waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
  await close();
});

test('with a role that is too low, buttons show the reason and send nothing', async () => {
  const { page, close } = await visit('viewer', '#/warmup');
  await page.getByText('monitoring · viewer').waitFor();
  const sent: string[] = [];
  page.on('request', (request) => request.method() === 'POST' && sent.push(request.url()));

  const start = page.getByRole('button', { name: 'Warm up everything' });
  await page.getByText('Requires the admin role; your token has the viewer role.').first().waitFor();
  expect(await start.getAttribute('aria-disabled')).toBe('true');
  expect(await start.getAttribute('aria-describedby')).toBeTruthy();
  await start.click({ force: true });

  await open(page, 'Clear');
  await page.getByLabel('Redis pattern').fill('users:*');
  await page.getByText('Requires the operator role; your token has the viewer role.').waitFor();
  await page.keyboard.press('Enter');

  await page.goto(`${app.url}/admin#/keys?key=users:1:profile`);
  await page.getByText('Values may be personal data').waitFor();
  expect(sent).toEqual([]);
  await screenshot(page, 'role-too-low');
  await close();
});

/** The text of the focused element. */
const focusedText = (page: Page): Promise<string> =>
  page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
const focusedId = (page: Page) => page.evaluate(() => document.activeElement?.id);

/** Presses Tab until the focus is where it should be. */
async function tabUntil(page: Page, isReached: () => Promise<boolean>): Promise<void> {
  for (let presses = 0; presses < MAX_TABS && !(await isReached()); presses += 1) await page.keyboard.press('Tab');
  expect(await isReached()).toBe(true);
}

test('the keyboard alone signs in and reaches every view', async () => {
  const { page, close } = await visit(null);
  await page.locator('input:focus').waitFor();
  await page.keyboard.type(TOKENS.admin);
  await page.keyboard.press('Enter');
  await navigation(page).waitFor();
  expect(await focusedId(page)).toBe('main');

  await page.reload();
  await navigation(page).waitFor();
  await page.keyboard.press('Tab');
  expect(await focusedText(page)).toBe('Skip to content');

  await tabUntil(page, async () => (await focusedText(page)) === 'Keys');
  await page.keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Keys' }).locator('[data-index="0"]').waitFor();
  expect(await focusedId(page)).toBe('main');
  await close();
});

test('the keyboard alone opens a key and a dialog, and Escape closes them', async () => {
  const { page, close } = await visit('admin', '#/keys');
  await page.getByRole('grid', { name: 'Keys' }).locator('[data-index="0"]').waitFor();
  await tabUntil(page, () => page.evaluate(() => document.activeElement?.hasAttribute('data-index') === true));

  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.locator('[data-index="2"]:focus').waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.detail').getByRole('heading', { name: 'Value' }).waitFor();

  await tabUntil(page, async () => (await focusedText(page)) === 'Change TTL');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();

  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  expect(await focusedText(page)).toBe('Change TTL');

  await page.keyboard.press('Escape');
  await page.locator('.detail').waitFor({ state: 'detached' });
  await close();
});

const SCREENS = Object.entries({ ...SIZES, huge: { width: 2560, height: 1300 } }).flatMap(([size, viewport]) =>
  (['light', 'dark'] as const).map((colorScheme) => [size, colorScheme, viewport] as const),
);

test.each(SCREENS)('no view is wider than a %s screen, %s', async (_, colorScheme, viewport) => {
  const { page, faults, close } = await visit('admin', '?dev', { colorScheme, viewport });

  for (const view of ADDRESSES) {
    await page.goto(`${app.url}/admin?dev#/${view}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForLoadState('networkidle');

    const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(`${view}: ${excess} px too wide`).toBe(`${view}: 0 px too wide`);
    expect(await violations(page)).toEqual([]);
  }
  expect(faults).toEqual([]);
  await close();
});

test('the chosen theme survives a reload', async () => {
  const { page, close } = await visit('viewer', '', { colorScheme: 'light' });
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await background();

  await page.getByLabel('Theme').selectOption('dark');
  expect(await background()).not.toBe(light);

  await page.reload();
  await page.getByRole('navigation').waitFor();
  expect(await background()).not.toBe(light);
  await close();
});

test('an empty cache has a note instead of a list, and figures without errors', async () => {
  app.redis('FLUSHALL');
  const { page, close } = await visit('viewer', '#/keys');

  await page.getByText('The cache is empty.').waitFor();

  await open(page, 'Overview');
  await page.getByText(/of [\d,]+ lookups|recent rate not known yet/).waitFor();
  fill(app);
  await close();
});

const icon = (page: Page) => page.locator('link[rel="icon"]').getAttribute('href');

test('while Redis is down the last figures stay, and the page recovers by itself', async () => {
  const { page, faults, close } = await visit('admin');
  await page.getByRole('img', { name: /^Memory: now/ }).waitFor();

  await app.stopRedis();
  await page.getByText('Redis is not available.').waitFor();
  await page.locator('.health.bad').getByText('unhealthy').waitFor();
  expect(await page.title()).toMatch(/^🔴 Overview/);
  expect(await icon(page)).toContain('alarm');
  expect(await page.getByRole('alert').first().innerText()).toMatch(/The figures are from \d+ s ago/);
  await screenshot(page, 'redis-down');
  expect(await violations(page)).toEqual([]);

  await open(page, 'Keys');
  await page.getByText('Listing keys failed: Redis is not available').waitFor();

  await app.startRedis();
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('The cache is empty.').waitFor();
  await page.locator('.health.ok').getByText('healthy').waitFor();
  expect(await page.title()).toMatch(/^Keys/);
  expect(await icon(page)).not.toContain('alarm');
  expect(faults).toEqual([]);
  await close();
});

test('every compressed file decodes to the plain one, as built and as served', async () => {
  const dist = join(ROOT, 'dashboard/dist');
  const assets = readdirSync(join(dist, 'assets')).map((name) => `assets/${name}`);
  const files = ['index.html', ...assets].filter((name) => !/\.(br|gz)$/.test(name));

  for (const file of files) {
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

test('an application that stops responding is reported', async () => {
  const { page, close } = await visit('viewer');
  await page.getByRole('img', { name: /^Memory: now/ }).waitFor();

  await page.route('**/api/**', (route) => route.abort());

  await page.getByText('The application is not responding.').waitFor();
  await close();
});

// Last, because this computer is refused for a minute afterwards.
test('too many attempts are reported at signing in, and do not sign out whoever is signed in', async () => {
  const { page, close } = await visit('viewer');
  const guess = () => fetch(`${app.url}/api/cache/stats`, { headers: { authorization: 'Bearer guessed' } });
  for (let status = 401; status === 401;) status = (await guess()).status;

  await page.getByRole('button', { name: 'Refresh' }).click();
  await page.getByText(/Updated (just now|[1-4] s ago)/).waitFor();

  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Token').fill('guessed-once-more');
  await page.keyboard.press('Enter');
  await page.getByText(/too many attempts without a valid token/).waitFor();
  await signIn(page, TOKENS.viewer);
  await close();
});
