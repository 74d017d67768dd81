import { describe, expect, test } from 'vitest';
import type { ApiCall } from '../../src/api/calls';
import type { KeyDetail, TtlTable } from '../../src/api/types';
import { describeLock, describeStorage, freshness } from '../../src/views/keys/inspection';
import { operationOf, quantile, summarise } from '../../src/views/dev/summary';
import { modulesOf, ruleFor } from '../../src/views/ttl/rows';

const detailWith = (changes: Partial<KeyDetail>): KeyDetail =>
  ({ type: 'string', truncated: false, length: 10, value: null, valueFormat: 'json', ...changes }) as KeyDetail;

describe('the load lock', () => {
  test.each([
    [null, 'free: no load in flight'],
    [{ state: 'held', secondsLeft: 7.2 }, 'held by a load in flight: the lease ends in 6 s'],
    [{ state: 'failed', secondsLeft: 1 }, 'a load failed: nobody tries again for 0 s'],
  ] as const)('%j', (lock, text) => expect(describeLock(lock, 2)).toBe(text));
});

describe('freshness', () => {
  const STORED = Date.parse('2026-01-01T00:00:00.000Z');
  const life = { ttl: 800, freshFor: 500, graceSeconds: 300, storedAt: '2026-01-01T00:00:00.000Z' };
  const after = (seconds: number) => STORED + 1000 * seconds;

  test('an entry is fresh within its TTL', () => {
    expect(freshness(life, 0, after(100))).toEqual({ state: 'fresh', age: 100, freshFor: 500, graceLeft: 300 });
  });

  test('an entry past its TTL is in grace', () => {
    expect(freshness(life, 600, after(700))).toEqual({ state: 'in grace', age: 700, freshFor: 0, graceLeft: 200 });
  });

  test('an entry past its grace is expired', () => {
    expect(freshness(life, 800, after(900)).state).toBe('expired');
  });

  test('an entry without an expiry is fresh for ever', () => {
    const forEver = { ...life, ttl: -1, freshFor: null, graceSeconds: 0 };

    expect(freshness(forEver, 9, after(9))).toEqual({ state: 'fresh', age: 9, freshFor: null, graceLeft: 0 });
  });

  test("another client's value has no known age", () => {
    const foreign = { ttl: 60, freshFor: 60, graceSeconds: null, storedAt: null };

    expect(freshness(foreign, 0, STORED)).toEqual({ state: 'unknown', age: null, freshFor: null, graceLeft: null });
  });
});

describe('storage', () => {
  test('a value longer than the stored bytes is compressed', () => {
    expect(describeStorage(detailWith({ truncated: true, length: 2000 }))).toBe('compressed (LZ4)');
  });

  test('a value read in full is plain', () => {
    expect(describeStorage(detailWith({}))).toBe('plain, not compressed');
  });

  test('a list of the library has the chunks of a value', () => {
    const chunked = { type: 'list', truncated: true, length: 4, storedAt: '2026-01-01T00:00:00.000Z' };

    expect(describeStorage(detailWith(chunked))).toBe('in 3 chunks');
    expect(describeStorage(detailWith({ ...chunked, storedAt: null, encoding: 'quicklist' }))).toBe(
      'quicklist, as Redis encodes it',
    );
  });
});

describe('the TTL table', () => {
  const table: TtlTable = [
    { prefix: 'products', ttl: 60, source: 'override' },
    { prefix: 'products:popular', ttl: 900, source: 'builtin' },
    { prefix: 'users', ttl: 100, source: 'builtin' },
    { prefix: 'users:count', ttl: 600, source: 'builtin' },
    { prefix: '*', ttl: 300, source: 'builtin' },
  ];

  test.each([
    ['users:count:x', 600],
    ['users:counter', 100],
    ['usersX', 300],
  ])('the longest prefix of %s that ends at a colon gives %d s', (key, ttl) =>
    expect(ruleFor(key, table)?.ttl).toBe(ttl),
  );

  test('an override comes before a longer built-in prefix', () => {
    expect(ruleFor('products:popular:list', table)?.ttl).toBe(60);
  });

  test('modules are the first segments', () => expect(modulesOf(table)).toEqual(['products', 'users']));
});

describe('the summary of calls', () => {
  const callOf = (url: string, totalMs: number | null, roundTrips?: number): ApiCall =>
    ({
      method: 'GET',
      url: `/api/cache${url}`,
      totalMs,
      failure: '',
      redis: roundTrips === undefined ? null : { commands: 9, roundTrips, ms: 1 },
    }) as ApiCall;

  test('all keys are one operation', () => {
    expect(operationOf('/api/cache/keys/a%2Fb?limit=1')).toBe('/keys/{key}');
  });

  test('calls that have not ended are left out', () => {
    const summaries = summarise([
      callOf('/stats', 1),
      callOf('/stats', 9, 2),
      callOf('/stats', 5),
      callOf('/stats', null),
    ]);

    expect(summaries).toEqual([
      { operation: 'GET /stats', calls: 3, medianMs: 5, p95Ms: 9, redisMs: 1, roundTrips: 2 },
    ]);
  });

  test('a quantile is one of the values', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([7], 0.95)).toBe(7);
  });
});
