import { describe, expect, test } from 'vitest';
import type { Analysis, AnalysisFigures, AnalysisGroup, HistoryRow } from '../../src/api/types';
import {
  describeReload,
  describeSizes,
  formatEstimate,
  formatGrowth,
  formatKeys,
  formatShare,
  ttlParts,
} from '../../src/views/memory/figures';
import {
  groupOf,
  groupsBelow,
  partsOf,
  pathOf,
  patternOf,
  reloadMsOf,
  sortGroups,
} from '../../src/views/memory/groups';
import { placesOf } from '../../src/views/memory/layout';
import { linesThatFit, tileAfterKey } from '../../src/views/memory/treemap';

const TTL = { none: 2, lessThan1m: 0, lessThan5m: 0, lessThan1h: 6, lessThan1d: 0, longer: 0 };
const exactly = (value: number) => ({ value, low: value, high: value });

function figures(keys: number, bytes: number): AnalysisFigures {
  return {
    keys: exactly(keys),
    bytes: exactly(bytes),
    share: exactly(bytes / 1000),
    averageBytes: bytes / keys,
    largestBytes: bytes,
    types: { string: keys },
    ttl: TTL,
    withoutTtlShare: 0.25,
    idleSeconds: null,
    growth: null,
  };
}

const groupAt = (prefix: string, depth: number, bytes: number): AnalysisGroup => ({
  ...figures(10, bytes),
  prefix,
  depth,
  isInternal: prefix === 'cache:',
});

const GROUPS = [
  groupAt('products:', 1, 600),
  groupAt('products:{id}', 2, 150),
  groupAt('products:{id}:', 2, 400),
  groupAt('products:{id}:details', 3, 400),
  groupAt('users:', 1, 300),
  groupAt('', 1, 50),
];
const ANALYSIS = { groups: GROUPS, totals: figures(100, 1000), other: null } as unknown as Analysis;

describe('the tree of prefixes', () => {
  test('the top has the modules, those with the most bytes first', () => {
    expect(groupsBelow(ANALYSIS, null).map(({ prefix }) => prefix)).toEqual(['products:', 'users:', '']);
  });

  test('only a prefix that ends with a colon has others below it', () => {
    expect(groupsBelow(ANALYSIS, groupOf(ANALYSIS, 'products:{id}:')).map(({ prefix }) => prefix)).toEqual([
      'products:{id}:details',
    ]);
    expect(groupsBelow(ANALYSIS, groupOf(ANALYSIS, 'products:{id}'))).toEqual([]);
    expect(groupsBelow(ANALYSIS, groupOf(ANALYSIS, ''))).toEqual([]);
  });

  test('the path leads from the top to the prefix', () => {
    const group = groupOf(ANALYSIS, 'products:{id}:details');

    expect(group && pathOf(ANALYSIS, group).map(({ prefix }) => prefix)).toEqual(['products:', 'products:{id}:']);
  });

  test('what no group covers is a part of its own', () => {
    const parts = partsOf(ANALYSIS, groupOf(ANALYSIS, 'products:'), 10);

    expect(parts.map(({ label, bytes }) => [label, bytes])).toEqual([
      ['products:{id}:', 400],
      ['products:{id}', 150],
      ['other keys', 50],
    ]);
  });

  test('the smallest prefixes are summed up', () => {
    const parts = partsOf(ANALYSIS, null, 1);

    expect(parts.map(({ label, bytes }) => [label, bytes])).toEqual([
      ['products:', 600],
      ['2 smaller prefixes and other keys', 400],
    ]);
  });

  test('a figure sorts the largest first, a name from A on', () => {
    expect(sortGroups(GROUPS, 'bytes')[0]?.prefix).toBe('products:');
    expect(sortGroups(GROUPS, 'prefix').map(({ prefix }) => prefix)[0]).toBe('');
  });
});

test('the reload of a prefix costs the average load of its module for each key', () => {
  const rows = [{ modules: [{ module: 'users', loads: 4, loadMs: 100 }] }, {}] as unknown as HistoryRow[];
  const [users, products, own] = [groupAt('users:{id}', 2, 1), groupAt('products:', 1, 1), groupAt('cache:', 1, 1)];

  expect([users, products, own].map((group) => reloadMsOf(group, rows))).toEqual([250, null, null]);
  expect(describeReload(users, 250)).toBe(
    '10 keys, each the 25 ms that a load of users took on average in the last 24 hours',
  );
  expect(describeReload(products, null)).toBe('No load of products was counted in the last 24 hours.');
  expect(sortGroups([products, own, users], 'reload', rows)[0]).toBe(users);
});

test.each([
  ['products:', 'products:*'],
  ['products:{id}:', 'products:*:*'],
  ['products:{id}:details', 'products:*:details'],
  ['a[b]:', 'a\\[b\\]:*'],
  ['config:main', 'config:main'],
])('the pattern of %j is %j', (prefix, pattern) => {
  expect(patternOf({ prefix, isInternal: false })).toBe(pattern);
});

test('names without a colon, and keys of edge-cache, have no pattern', () => {
  expect(patternOf({ prefix: '', isInternal: false })).toBeNull();
  expect(patternOf({ prefix: 'cache:', isInternal: true })).toBeNull();
});

test('figures have their interval unless they are exact', () => {
  expect(formatShare(exactly(0.424))).toBe('42.4 %');
  expect(formatShare({ value: 0.424, low: 0.411, high: 0.437 })).toBe('42.4 % (41.1 to 43.7)');
  expect(formatShare({ value: 0.004, low: 0.0035, high: 0.0045 })).toBe('0.4 % (0.35 to 0.45)');
  expect(formatEstimate({ value: 100.4, low: 90, high: 110 }, formatKeys)).toBe('about 100, 90 to 110');
  expect(formatGrowth(2048)).toBe('+2.0 KB');
  expect(formatGrowth(-2048)).toBe('−2.0 KB');
  expect(formatGrowth(null)).toBe('–');
});

test('sizes are described by the middle and the largest of them', () => {
  const sizes = (unit: 'bytes' | 'elements') => ({
    type: 'x',
    unit,
    keys: 10,
    classes: [
      { from: 1, to: 1, keys: 4 },
      { from: 1024, to: 2047, keys: 5 },
      { from: 4096, to: 8191, keys: 1 },
    ],
  });

  expect(describeSizes(sizes('bytes'))).toBe('10 keys: half up to 2.0 KB, the largest 4.0 KB to 8.0 KB');
  expect(describeSizes(sizes('elements'))).toBe('10 keys: half up to 2,047, the largest 4,096 to 8,191 elements');
});

test('the TTLs are shares of all keys', () => {
  expect(ttlParts(TTL).map(({ share }) => share)).toEqual([0.25, 0, 0, 0.75, 0, 0]);
});

describe('the treemap', () => {
  test('tiles fill the area without overlap, in proportion to the memory', () => {
    const places = placesOf([600, 300, 100], 3);
    const areas = places.map(({ width, height }) => (width * height) / 10_000);

    expect(areas.map((area) => Math.round(area * 100))).toEqual([60, 30, 10]);
    expect(placesOf([], 3)).toEqual([]);
  });

  test.each([
    ['quotes:', 61, 21, 1],
    ['quotes:', 61, 36, 1],
    ['quotes:', 82, 36, 2],
    ['quotes:', 61, 19, 0],
    ['seo:', 41, 300, 1],
    ['products:{id}:details', 41, 300, 1],
    ['products:{id}:details', 40, 300, 0],
  ])('%s in %d by %d pixels has %d lines', (label, width, height, lines) => {
    expect(linesThatFit(label, width, height)).toBe(lines);
  });

  test('arrow keys move to the nearest tile in their direction', () => {
    const places = [
      { left: 0, top: 0, width: 50, height: 100 },
      { left: 50, top: 0, width: 50, height: 50 },
      { left: 50, top: 50, width: 50, height: 50 },
    ];

    expect(tileAfterKey('ArrowRight', 0, places)).toBe(1);
    expect(tileAfterKey('ArrowDown', 1, places)).toBe(2);
    expect(tileAfterKey('ArrowLeft', 2, places)).toBe(0);
    expect(tileAfterKey('ArrowLeft', 0, places)).toBeNull();
    expect(tileAfterKey('Enter', 0, places)).toBeNull();
  });
});
