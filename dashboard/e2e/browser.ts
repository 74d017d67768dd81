// Opens pages in Chromium and records what must never happen: script errors and violations of the content security policy.
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

export interface Setup {
  app: App;
  /** Opens a page in a fresh browser context, and signs in unless the role is null. */
  visit: (role: Role | null, at?: string, options?: BrowserContextOptions) => Promise<Visit>;
}

/** Starts an application and a browser before the tests of a file, and ends them afterwards. */
export function setup(variables: Record<string, string> = {}): Setup {
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
      if (browser === undefined) throw new Error('call visit in a test');
      return visit(browser, app, role, at, options);
    },
  };
}

export interface Visit {
  page: Page;
  /** Errors of the page so far. */
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
  const faults = recordFaults(page);

  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) =>
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`),
    );
  });
  await page.goto(`${app.url}/admin${at}`);
  if (role !== null) await signIn(page, TOKENS[role]);
  return { page, faults, close: () => context.close() };
}

function recordFaults(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    // The browser logs every failed request as an error, although the page expects and shows such answers.
    const isFailedRequest = message.text().startsWith('Failed to load resource');
    if (message.type() === 'error' && !isFailedRequest) faults.push(message.text());
  });
  return faults;
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

interface AxeViolation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

/** The accessibility violations that axe finds in the page. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, to which the page's content security policy does not apply.
  await page.evaluate(AXE);
  const found = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: () => Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run()).violations;
  });
  return found.map(describeViolation);
}

function describeViolation({ id, help, nodes }: AxeViolation): string {
  const examples = nodes.slice(0, 3).map((node) => `  ${node.html.slice(0, 200)}\n  ${node.failureSummary}`);
  return [`${id}: ${help}`, ...examples].join('\n');
}

/** Writes a screenshot into dashboard/test-output. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  await page.screenshot({ path: join(OUTPUT, `${name}.png`) });
}
