// The key browser on a Redis Cluster: the node of each key, and an incomplete list after a node that does not reply.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKENS } from './app.ts';
import { screenshot, setup, violations } from './browser.ts';
import { type Cluster, startCluster } from './cluster.ts';

/** Filled before the application starts. */
const variables: Record<string, string> = {};
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
  Object.assign(variables, cluster.variables);
  for (let n = 0; n < 20; n += 1) cluster.redis('SET', `users:${n}`, n);
});
const { app, visit } = setup(variables);
afterAll(() => cluster?.stop());

test('each key is listed with its node', async () => {
  const { page, faults, close } = await visit('viewer', '#/keys?pattern=users:*');
  await page.getByText('All 20 keys of 3 nodes').waitFor();

  for (const key of ['users:1', 'users:2', 'users:3', 'users:4']) {
    const slot = Number(cluster.redis('CLUSTER', 'KEYSLOT', key));
    // Of three nodes, each has a third of the 16,384 slots.
    const owner = cluster.addresses[slot < 5461 ? 0 : slot < 10923 ? 1 : 2];
    const row = page.getByRole('row').filter({ has: page.getByText(key, { exact: true }) });
    expect(await row.locator('.node').innerText()).toBe(owner);
  }

  await page.getByRole('columnheader', { name: 'Node' }).getByRole('button').click();
  const listed = await page.locator('.cell.node.mono').allInnerTexts();
  expect(listed).toEqual([...listed].sort());
  expect(await violations(page)).toEqual([]);
  await screenshot(page, 'keys-cluster');
  expect(faults).toEqual([]);
  await close();
});

test('a job shows the counts of each node', async () => {
  const response = await fetch(`${app.url}/api/cache/clear`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKENS.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ pattern: 'users:*', dryRun: true, async: true }),
  });
  const { job } = (await response.json()) as { job: { id: string } };
  const { page, faults, close } = await visit('viewer', `#/jobs?id=${job.id}`);

  await page.getByText('20 keys would be deleted').waitFor();

  const nodes = page.getByRole('group', { name: 'Counts of each node' });
  for (const address of cluster.addresses) await nodes.getByText(address).waitFor();
  expect(await nodes.getByText('ended').count()).toBe(3);
  expect(await violations(page)).toEqual([]);
  expect(faults).toEqual([]);
  await close();
});

test('a list that a node does not answer is shown as incomplete, and continues when it does', async () => {
  // Nodes are listed in the order of their addresses.
  const last = cluster.addresses.at(-1) ?? '';
  cluster.freeze(last);
  const { page, close } = await visit('viewer', '#/keys?pattern=users:*');

  await page.getByText(/\d+ loaded, there may be more, incomplete: the last page is from node 2 of 3/).waitFor();
  const failure = page.getByRole('alert').filter({ hasText: 'Listing keys failed' });
  expect(await failure.innerText()).toContain(last);
  expect(await violations(page)).toEqual([]);

  cluster.thaw(last);
  await failure.getByRole('button', { name: 'Try again' }).click();
  await page.getByText('All 20 keys of 3 nodes').waitFor();
  await close();
});
