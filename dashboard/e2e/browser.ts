// Debian's Chromium, and a page of it that notices what must never happen: script errors and violations of the policy.
import { readFileSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { type App, ROOT, type Role, startApp, TOKENS } from './app.ts';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const OUTPUT = join(ROOT, 'dashboard/test-output');

export const SIZES = {
  phone: { width: 360, height: 740 },
  tablet: { width: 768, height: 1024 },
  wide: { width: 1440, height: 900 },
};

function launch(): Promise<Browser> {
  const executablePath = process.env['CHROMIUM_BIN'] ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs: ['--headless=old'] });
}

export interface Stage {
  app: App;
  /** A fresh page of this application, signed in unless there is no role. */
  visit: (role: Role | null, at?: string, options?: BrowserContextOptions) => Promise<Visit>;
}

/** An application and a browser for the tests of a file: there from before its first test until after its last. */
export function stage(variables: Record<string, string> = {}): Stage {
  const app = {} as App;
  let browser: Browser | undefined;
  beforeAll(async () => {
    Object.assign(app, await startApp(variables));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    await app.stop?.();
  });
  return {
    app,
    visit: (role, at, options) => {
      if (browser === undefined) throw new Error('a page is visited in a test, not before');
      return visit(browser, app, role, at, options);
    },
  };
}

export interface Visit {
  page: Page;
  /** What went wrong in the page so far. */
  faults: string[];
  close: () => Promise<void>;
}

async function visit(
  browser: Browser,
  app: App,
  role: Role | null,
  at = '',
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: SIZES.wide, colorScheme: 'dark', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // A refused request is an answer like any other, and shown; the browser logs it all the same.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(`${app.url}/admin${at}`);
  if (role !== null) await signIn(page, TOKENS[role]);
  return { page, faults, close: () => context.close() };
}

export async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('navigation', { name: 'Views' }).waitFor();
}

export async function open(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: view }).waitFor();
}

/** What axe finds wrong in the page as it is, in words. */
export async function violations(page: Page): Promise<string[]> {
  // Through the debugger, which the page's policy does not bind; a script element would be refused.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run: () => Promise<{
          violations: { id: string; help: string; nodes: { html: string; failureSummary: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.map(
      ({ id, help, nodes }) =>
        `${id}: ${help}\n${nodes
          .slice(0, 3)
          .map((node) => `  ${node.html.slice(0, 200)}\n  ${node.failureSummary}`)
          .join('\n')}`,
    );
  });
}

/** Keeps a picture of the page as output of the tests. */
export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name}.png`) });
}
