import { describe, expect, test } from 'vitest';
import type { Node, Stats } from '../../src/api/types';
import { describeReplicas, Nodes } from '../../src/views/overview/nodes';
import type { HistoryRow } from '../../src/api/types';
import { modulesOf, savedMs, sumOf } from '../../src/views/overview/lookups';
import { addressOfWindow, rangeInAddress, rangeOfName } from '../../src/views/overview/ranges';
import { columnsOf, loadTimesOf } from '../../src/views/overview/series';
import { isCold, isMemoryAlone, refusedWrites } from '../../src/views/states';
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

const NOW = Date.parse('2026-01-31T12:10:00.000Z');
const LOOKUPS = {
  hits: 80,
  nearHits: 5,
  staleHits: 5,
  misses: 10,
  bypasses: 0,
  loads: 10,
  loadMs: 500,
  loadErrors: 0,
};
const ROW: HistoryRow = {
  at: '2026-01-31T12:09:00.000Z',
  seconds: 60,
  nodesMissing: 0,
  memoryBytes: 1000,
  keys: 10,
  keysWithTtl: 4,
  connectedClients: 1,
  latencyMs: 0.2,
  hits: 3,
  misses: 1,
  evictedKeys: 6,
  expiredKeys: 0,
  commands: 120,
  restarted: false,
  services: { ...LOOKUPS, hitRatio: 0.9 },
};

describe('the lookups of services', () => {
  const module = (name: string, misses: number) => ({ ...LOOKUPS, module: name, misses, hitRatio: null });

  test('are compared with the hour before, the module that loads took most time of first', () => {
    const rows = [
      { ...ROW, at: '2026-01-31T11:30:00.000Z', modules: [module('users', 0)] },
      { ...ROW, modules: [module('users', 1), module('products', 90)] },
    ];

    const [first, second] = modulesOf(rows, NOW);

    expect([first?.module, second?.module]).toEqual(['products', 'users']);
    expect([second?.recent.misses, second?.before.misses]).toEqual([1, 0]);
  });

  test('save the time of a load each', () => {
    expect(savedMs(LOOKUPS)).toBe(90 * 50);
    expect(savedMs(sumOf([null]))).toBeNull();
  });
});

describe('the columns of the charts', () => {
  const to = '2026-01-31T12:10:00.000Z';

  test('have a gap where rows are missing', () => {
    const rows = [{ ...ROW, at: '2026-01-31T12:00:00.000Z' }, ROW];
    expect(columnsOf({ rows, stepSeconds: 60, to }).keys).toEqual([10, null, 10]);
  });

  test('are rates of the time that a row covers', () => {
    const columns = columnsOf({ rows: [{ ...ROW, seconds: 30 }], stepSeconds: 60, to });
    expect([columns.commands, columns.evictions, columns.redis, columns.services]).toEqual([[4], [12], [75], [90]]);
    expect(columnsOf({ rows: [{ ...ROW, seconds: 0 }], stepSeconds: 60, to }).commands).toEqual([null]);
  });

  test('have the load times of the modules whose loads took most time', () => {
    const loads = (name: string, count: number, loadMs: number) => ({
      ...LOOKUPS,
      module: name,
      hitRatio: null,
      loads: count,
      loadMs,
    });
    const rows = [
      { ...ROW, at: '2026-01-31T12:08:00.000Z', modules: [loads('users', 10, 50), loads('seo', 0, 0)] },
      { ...ROW, modules: [loads('users', 1, 6), loads('quotes', 2, 1700)] },
    ];

    expect(loadTimesOf({ rows, stepSeconds: 60, to })).toEqual([
      { label: 'quotes', values: [null, 850] },
      { label: 'users', values: [5, 6] },
    ]);
  });

  test('have the keys without a TTL where those with one were counted', () => {
    const rows = [
      { ...ROW, at: '2026-01-31T12:08:00.000Z' },
      { ...ROW, keysWithTtl: null },
    ];
    expect(columnsOf({ rows, stepSeconds: 60, to }).withoutTtl).toEqual([6, null]);
  });
});

test('a range is chosen by its name', () => {
  expect(rangeOfName('7d')?.stepSeconds).toBe(1800);
  expect(rangeOfName('never')?.name).toBe('1h');
  expect(rangeOfName('live')).toBeUndefined();
});

describe('a state of Redis', () => {
  const health = (...kinds: string[]) =>
    ({ redis: { findings: kinds.map((kind) => ({ kind, reason: `about ${kind}` })) } }) as unknown as Parameters<
      typeof refusedWrites
    >[0];

  test.each([
    ['memory-full', 'Writes are refused: memory is full'],
    ['replica', 'Writes are refused: this Redis is a replica'],
    ['cannot-save', 'Writes are refused: Redis cannot save to disk'],
    ['too-few-replicas', 'Writes are refused: too few replicas'],
    ['no-right-to-write', 'Writes are refused: the Redis user lacks rights'],
  ])('%s', (kind, title) => {
    expect(refusedWrites(health('slow', kind))).toMatchObject({ title, cause: `about ${kind}` });
  });

  test('that takes writes is not named', () => {
    expect(refusedWrites(health('memory-high', 'last-save-failed'))).toBeNull();
    expect(refusedWrites(null)).toBeNull();
  });

  test('of full memory is not described twice', () => {
    expect(isMemoryAlone(health('slow', 'memory-full'))).toBe(false);
    expect(isMemoryAlone(health('memory-full', 'memory-high'))).toBe(true);
  });

  test('is cold after a restart with few keys', () => {
    expect(isCold({ uptimeSeconds: 40, keyCount: 3 }, null)).toBe(true);
    expect(isCold({ uptimeSeconds: 40, keyCount: 4000 }, 10_000)).toBe(true);
    expect(isCold({ uptimeSeconds: 40, keyCount: 9000 }, 10_000)).toBe(false);
    expect(isCold({ uptimeSeconds: 4000, keyCount: 0 }, 10_000)).toBe(false);
  });
});

describe('a window of the past', () => {
  const now = Date.parse('2025-11-15T12:00:00.000Z');
  const windowOf = (from: string, to: string) => rangeInAddress(new URLSearchParams({ from, to }), now);

  test('has steps that the history keeps for its time', () => {
    expect(windowOf('2025-11-15T02:00:00.000Z', '2025-11-15T02:20:00.000Z')).toMatchObject({
      seconds: 1200,
      stepSeconds: 60,
    });
    expect(windowOf('2025-11-10T00:00:00.000Z', '2025-11-10T02:00:00.000Z')?.stepSeconds).toBe(900);
    expect(windowOf('2025-11-01T00:00:00.000Z', '2025-11-15T00:00:00.000Z')?.stepSeconds).toBe(3600);
  });

  test('is ignored when its times are missing or too close', () => {
    expect(windowOf('2025-11-15T02:00:00.000Z', '2025-11-15T02:01:00.000Z')?.name).toBe('1h');
    expect(windowOf('never', '2025-11-15T02:01:00.000Z')?.window).toBeUndefined();
  });

  test('has whole minutes in the address', () => {
    expect(addressOfWindow(now + 10_000, now + 20_000)).toEqual({
      from: '2025-11-15T12:00:00.000Z',
      to: '2025-11-15T12:02:00.000Z',
    });
  });
});
