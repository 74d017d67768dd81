import { describe, expect, test } from 'vitest';
import type { Node, Stats } from '../../src/api/types';
import { describeReplicas, Nodes } from '../../src/views/overview/nodes';
import { textOf } from '../rendered';

const NODE: Node = {
  address: '10.0.0.1:7000',
  slots: 8192,
  connected: true,
  error: null,
  role: 'primary',
  version: '7.0.15',
  uptimeSeconds: 60,
  memoryBytes: 512 * 1024 * 1024,
  maxMemoryBytes: 1024 * 1024 * 1024,
  usagePercent: 50,
  keys: 1500,
  hits: 3,
  misses: 1,
  hitRatio: 0.75,
  evictedKeys: 0,
  connectedClients: 2,
  opsPerSec: 7,
  latencyMs: 0.2,
  replicas: 1,
  linkedReplicas: 1,
  replicaLinkUp: true,
  lagSeconds: 0,
};
const SILENT: Node = {
  ...NODE,
  address: '10.0.0.2:7000',
  connected: false,
  error: 'Redis did not answer in time',
  memoryBytes: null,
  keys: null,
};

const shown = (nodes: Node[] | undefined, uncoveredSlots = 0): string =>
  textOf(Nodes({ stats: { nodes, uncoveredSlots, alerts: [], usagePercent: 50 } as unknown as Stats }));

describe('the nodes of a Cluster', () => {
  test('each has its own figures', () => {
    const text = shown([NODE, { ...NODE, address: '10.0.0.3:7000', keys: 20 }]);

    expect(text).toContain('10.0.0.1:70008,192512.0 MB of 1.0 GB1,50075.0 %0.20 ms1 of 1 linked, 0 s behind');
    expect(text).toContain('10.0.0.3:7000');
  });

  test('one that does not answer has the reason instead of figures', () => {
    expect(shown([NODE, SILENT])).toContain('10.0.0.2:70008,192Redis did not answer in time');
  });

  test('slots without a node are reported', () => {
    expect(shown([NODE, SILENT], 8192)).toContain('No node serves 8,192 slots.');
  });

  test('are not shown for a single server or a single node', () => {
    expect(shown(undefined)).toBe('');
    expect(shown([NODE])).toBe('');
  });
});

test('replicas that do not follow their primary are counted', () => {
  expect(describeReplicas({ ...NODE, replicas: 2 })).toBe('1 of 2 linked, 0 s behind');
  expect(describeReplicas({ ...NODE, replicas: 0 })).toBe('none');
  expect(describeReplicas({ ...NODE, replicas: null })).toBe('unknown');
});
