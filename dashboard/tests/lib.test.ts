import { describe, expect, test } from 'vitest';
import { events } from '../src/lib/events';
import { ago, bytes, clock, milliseconds, number, percent, plural, seconds, ttl, until } from '../src/lib/format';
import { decodeBase64, hexLines } from '../src/lib/hex';
import { escapeGlob, keyPath, matchesEverything, searchPattern } from '../src/lib/pattern';
import { operationOf, quantile, summarise } from '../src/lib/percentiles';
import { append, emptySamples, extent } from '../src/lib/samples';
import { readServerTiming } from '../src/lib/server-timing';
import { entryFor, modulesOf } from '../src/lib/ttl-table';
import type { Stats, TtlTable } from '../src/api/types';
import type { ApiCall } from '../src/state/calls';

describe('numbers as operators read them', () => {
  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KB'],
    [25480397, '24.3 MB'],
    [1024 ** 4 * 2048, '2048.0 TB'],
  ])('%d bytes are %s', (count, shown) => expect(bytes(count)).toBe(shown));

  test.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1m 0s'],
    [3600 + 65, '1h 1m'],
    [86_400 * 2 + 3600 * 4, '2d 4h'],
  ])('%d seconds are %s', (total, shown) => expect(seconds(total)).toBe(shown));

  test('what is not known is a dash, and no number is never a zero', () => {
    expect([bytes(null), number(undefined), percent(null), milliseconds(null)]).toEqual(['–', '–', '–', '–']);
    expect([number(0), percent(0)]).toEqual(['0', '0.0 %']);
  });

  test('one is singular', () => {
    expect([plural(1, 'key'), plural(0, 'key'), plural(1234, 'entry', 'entries')]).toEqual([
      '1 key',
      '0 keys',
      '1,234 entries',
    ]);
  });

  test('a key that does not expire never does', () =>
    expect([ttl(-1), ttl(0), ttl(600)]).toEqual(['never', 'now', '10m 0s']));

  test('times are told from now', () => {
    const now = Date.UTC(2025, 10, 15, 12, 30);
    expect(ago('2025-11-15T12:28:00.000Z', now)).toBe('2m 0s ago');
    expect(until('2025-11-15T12:40:00.000Z', now)).toBe('in 10m 0s');
    expect(until('2025-11-15T12:20:00.000Z', now)).toBe('due now');
    expect(clock('2025-11-14T12:00:00.000Z', new Date(now))).toContain('2025-11-14');
  });
});

describe('patterns', () => {
  test('text without a star is searched for anywhere in the name', () => {
    expect([searchPattern(''), searchPattern(' user '), searchPattern('users:*'), searchPattern('a[bc]')]).toEqual([
      '*',
      '*user*',
      'users:*',
      'a[bc]',
    ]);
  });

  test('a name becomes a pattern of itself', () => expect(escapeGlob('a*b[c]?\\:')).toBe('a\\*b\\[c\\]\\?\\\\:'));

  test.each(['*', '**', '?*', '*?'])('%s matches everything', (pattern) =>
    expect(matchesEverything(pattern)).toBe(true),
  );
  test.each(['?', 'a*', '*:*', ''])('%j does not', (pattern) => expect(matchesEverything(pattern)).toBe(false));

  test('dots alone survive in a path', () =>
    expect([keyPath('..'), keyPath('a/b?c')]).toEqual(['%2E%2E', 'a%2Fb%3Fc']));
});

test('bytes are shown sixteen a line, with what is printable beside', () => {
  const [first, second] = hexLines(decodeBase64(btoa('0123456789abcdef\u00ff')));
  expect(first).toEqual({
    offset: '000000',
    hex: '30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66',
    text: '0123456789abcdef',
  });
  expect(second).toEqual({ offset: '000010', hex: 'ff', text: '·' });
});

const stats = (changes: Partial<Stats>): Stats =>
  ({ hits: 0, misses: 0, hitRatio: null, memoryBytes: 1, opsPerSec: 2, latencyMs: 3, ...changes }) as Stats;

describe('samples', () => {
  test('the recent hit rate is of the look-ups since the sample before', () => {
    const first = append(emptySamples(), stats({ hits: 90, misses: 10, hitRatio: 0.9 }), 1_000_000);
    const second = append(first, stats({ hits: 91, misses: 13, hitRatio: 0.875 }), 1_005_000);
    expect([second.at, second.hitRate, second.recentHitRate]).toEqual([
      [1000, 1005],
      [90, 87.5],
      [null, 25],
    ]);
  });

  test('a restart of Redis is no negative hit rate', () => {
    const first = append(emptySamples(), stats({ hits: 90, misses: 10 }), 0);
    expect(append(first, stats({ hits: 1, misses: 0 }), 5_000).recentHitRate.at(-1)).toBeNull();
  });

  test('what was not seen is a gap, not a line', () => {
    const samples = append(append(emptySamples(), stats({}), 0), stats({}), 600_000);
    expect([samples.at, samples.memory]).toEqual([
      [0, 300, 600],
      [1, null, 1],
    ]);
  });

  test('least, greatest and last leave gaps out', () => {
    expect(extent([3, null, 1, 2, null])).toEqual({ least: 1, most: 3, last: 2 });
    expect(extent([null])).toBeNull();
  });

  test('a day is kept and no more', () => {
    const day = Array.from({ length: 17_280 }, (_, n) => n * 5);
    const full = { ...emptySamples(), at: day, hitRate: day, recentHitRate: day, memory: day, ops: day, latency: day };
    const samples = append(full, stats({}), 17_280 * 5000);
    expect([samples.at.length, samples.at[0], samples.memory.length, samples.memory.at(-1)]).toEqual([
      17_280, 5, 17_280, 1,
    ]);
  });
});

describe('server-timing', () => {
  test('what the application tells of Redis is read', () => {
    const header = 'total;dur=3, redis;desc="3 commands, 1 round trip";dur=1.25';
    expect(readServerTiming(header)).toEqual({ commands: 3, trips: 1, ms: 1.25 });
  });

  test.each([null, '', 'total;dur=3', 'redis;dur=1'])('%j tells nothing', (header) =>
    expect(readServerTiming(header)).toBeNull(),
  );
});

describe('the TTL table', () => {
  const table: TtlTable = [
    { prefix: 'products', ttl: 60, source: 'override' },
    { prefix: 'products:popular', ttl: 900, source: 'builtin' },
    { prefix: 'users', ttl: 100, source: 'builtin' },
    { prefix: 'users:count', ttl: 600, source: 'builtin' },
    { prefix: '*', ttl: 300, source: 'builtin' },
  ];

  test('the longest prefix that ends at a colon wins', () => {
    expect(entryFor('users:count:x', table)?.ttl).toBe(600);
    expect(entryFor('users:counter', table)?.ttl).toBe(100);
    expect(entryFor('usersX', table)?.ttl).toBe(300);
  });

  test('overrides come first', () => expect(entryFor('products:popular:list', table)?.ttl).toBe(60));

  test('its modules are the first parts', () => expect(modulesOf(table)).toEqual(['products', 'users']));
});

describe('calls summed up', () => {
  const call = (url: string, totalMs: number | null, trips?: number): ApiCall =>
    ({
      method: 'GET',
      url: `/api/cache${url}`,
      totalMs,
      failure: '',
      redis: trips === undefined ? null : { commands: 9, trips, ms: 1 },
    }) as ApiCall;

  test('keys are one operation, whatever their name', () =>
    expect(operationOf('/api/cache/keys/a%2Fb?limit=1')).toBe('/keys/{key}'));

  test('medians are of calls that ended', () => {
    const rows = summarise([call('/stats', 1), call('/stats', 9, 2), call('/stats', 5), call('/stats', null)]);
    expect(rows).toEqual([{ operation: 'GET /stats', calls: 3, median: 5, p95: 9, redisMs: 1, trips: 2 }]);
  });

  test('a quantile is one of the values', () =>
    expect([quantile([3, 1, 2], 0.5), quantile([7], 0.95)]).toEqual([2, 7]));
});

describe('server-sent events', () => {
  const stream = (...chunks: string[]) => new Blob(chunks).stream();
  const collect = async (...chunks: string[]) => {
    const found = [];
    for await (const event of events(stream(...chunks))) found.push(event);
    return found;
  };

  test('events are put together across chunks, whatever ends their lines', async () => {
    expect(await collect('event: prog', 'ress\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\n\n', 'data:x\n\n')).toEqual([
      { event: 'progress', data: '{"a":\n1}' },
      { event: 'message', data: 'x' },
    ]);
  });

  test('an event that was cut off is none', async () =>
    expect(await collect('data: 1\n\ndata: 2')).toEqual([{ event: 'message', data: '1' }]));
});
