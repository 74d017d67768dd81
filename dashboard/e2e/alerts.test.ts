// The alerts view: what is raised, and the deliveries to a webhook that receives them.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { open, screenshot, setup, SIZES, violations } from './browser.ts';

const MINUTE_MS = 60_000;

let received = 0;
const receiver = createServer((request, response) => {
  received += 1;
  request.resume();
  response.end();
}).listen(0, '127.0.0.1');
await once(receiver, 'listening');
afterAll(() => receiver.close());

const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
const { app, visit } = setup({
  alert_after_seconds: '0',
  alert_webhooks: `json=${url}/hook`,
  alert_hosts: url,
});

beforeAll(async () => {
  const used = Number(app.redis('INFO', 'memory').match(/used_memory:(\d+)/)?.[1]);
  app.redis('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
  app.redis('CONFIG', 'SET', 'maxmemory', Math.round(used * 1.06));

  for (const end = Date.now() + MINUTE_MS; received === 0 && Date.now() < end;) {
    await fetch(`${app.url}/api/cache/warmup/scheduled`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKENS.admin}` },
    });
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}, 4 * MINUTE_MS);

test('a raised alert leads to the view that helps, and its delivery is listed', async () => {
  const { page, faults, close } = await visit('viewer');
  await open(page, 'Alerts');

  const raised = page.getByRole('list', { name: 'Raised alerts' });
  await raised.getByText('Memory is nearly full').waitFor();
  expect(await raised.getByRole('link', { name: 'See what fills it' }).first().getAttribute('href')).toBe('#/memory');

  const deliveries = page.getByRole('group', { name: 'Deliveries to 127.0.0.1' });
  await deliveries
    .getByRole('row', { name: /delivered\s+raised\s+Memory is nearly full\s+200\s+1/ })
    .first()
    .waitFor();
  expect(await page.locator('main').innerText()).not.toContain('/hook');
  expect(faults).toEqual([]);
  await close();
});

test.each(['light', 'dark'] as const)('axe finds no violations, %s', async (colorScheme) => {
  for (const [size, viewport] of Object.entries(SIZES)) {
    const { page, close } = await visit('viewer', '#/alerts', { colorScheme, viewport });
    await page.getByText('Memory is nearly full').first().waitFor();

    expect(await violations(page)).toEqual([]);
    await screenshot(page, `alerts-${size}-${colorScheme}`);
    await close();
  }
});
