import { afterEach, describe, expect, test, vi } from 'vitest';
import type { HistoryRow } from '../../src/api/types';
import { nameToLine } from '../../src/lib/name-lines';
import {
  describeEffect,
  estimateBytes,
  needsTypedCount,
  patternsMeant,
  prefixesOf,
} from '../../src/views/clear/effect';
import { graceProblem, modeFields } from '../../src/views/clear/mode';
import { confirmationOf, describeRemoval, preview } from '../../src/views/clear/removal';
import {
  incompleteReason,
  isGlobalClear,
  namesOnLines,
  neededRole,
  whiteSpaceNote,
} from '../../src/views/clear/selection';
import { matching, modulePatterns } from '../../src/views/clear/suggestions';
import { SelectionSummary } from '../../src/views/clear/summary';
import { estimateReloadMs } from '../../src/views/reload';
import { textOf } from '../rendered';

describe('names on lines', () => {
  test('each line is a name, exactly as typed and once', () => {
    expect(namesOnLines(' a\na\n\n a\n \nb ')).toEqual([' a', 'a', ' ', 'b ']);
  });

  test('a name with a line break can stand among others', () => {
    expect(namesOnLines(`x\n${nameToLine('a\nb')}`)).toEqual(['x', 'a\nb']);
  });
});

describe('white space', () => {
  test('is pointed out in keys and in patterns', () => {
    expect(whiteSpaceNote({ by: 'keys', text: ' a\nb' })).toContain('1 key with white space');
    expect(whiteSpaceNote({ by: 'pattern', text: ' users:*' })).toContain('which is part of it');
  });

  test('is not pointed out where there is none', () => {
    expect(whiteSpaceNote({ by: 'pattern', text: 'users:*' })).toBe('');
  });
});

describe('the needed role', () => {
  test.each(['[ -Z]*', '?a', '*:1', '*'])('the pattern %s, which begins with a wildcard, needs an admin', (text) =>
    expect(neededRole({ by: 'pattern', text })).toBe('admin'),
  );

  test.each(['users:*', ' users:*'])('the pattern %j needs an operator', (text) =>
    expect(neededRole({ by: 'pattern', text })).toBe('operator'),
  );

  test('protected keys need an admin', () => {
    expect(neededRole({ by: 'pattern', text: 'cache:t*' })).toBe('admin');
    expect(neededRole({ by: 'keys', text: 'users:1\nlock:{users:1}' })).toBe('admin');
  });

  test('keys that only resemble protected ones need an operator', () => {
    expect(neededRole({ by: 'keys', text: 'users:1\ncached:1' })).toBe('operator');
  });

  test.each(['*', 'cache:t'])('the tag %s needs an operator', (text) =>
    expect(neededRole({ by: 'tags', text })).toBe('operator'),
  );
});

test('everything is a global clear, a tag named * is not', () => {
  expect(isGlobalClear({ by: 'everything', text: '' })).toBe(true);
  expect(isGlobalClear({ by: 'tags', text: '*' })).toBe(false);
});

describe('an incomplete selection', () => {
  test('has no key', () => expect(incompleteReason({ by: 'keys', text: '\n' })).toBe('Type at least one key.'));

  test('has a line that begins with a quote but is not JSON', () => {
    expect(incompleteReason({ by: 'keys', text: 'a\n"b' })).toBe('Line 2 begins with a quote but is not valid JSON.');
  });
});

test('everything is a complete selection without a text', () => {
  expect(incompleteReason({ by: 'everything', text: '' })).toBe('');
});

test.each([
  [{ by: 'tags', text: 'a\nb\nc\nd' }, 'tags a, b, c, … (4)'],
  [{ by: 'keys', text: ' a' }, 'key ␣a'],
  [{ by: 'pattern', text: 'a\n*' }, 'pattern a↵*'],
  [{ by: 'everything', text: '' }, 'everything'],
] as const)('the selection %j is summed up as %j', (selection, summary) =>
  expect(textOf(SelectionSummary({ selection }))).toBe(summary),
);

describe('the preview', () => {
  afterEach(() => vi.unstubAllGlobals());

  const answerWith = (report: object) => {
    const fetch = vi.fn((_url: string, _init: RequestInit) => Promise.resolve(Response.json(report)));
    vi.stubGlobal('fetch', fetch);
    return fetch;
  };
  const stats = { keysInvalidated: 1, keysMatched: 1, durationMs: 1, exact: true, method: 'walk' };

  test.each([
    ['keys', ' a\na\nb ', { keys: [' a', 'a', 'b '], dryRun: true }],
    ['keys', '"a\\nb"', { keys: ['a\nb'], dryRun: true }],
    ['pattern', ' a*\n', { pattern: ' a*\n', dryRun: true }],
  ] as const)('of %s sends %j as typed', async (by, text, body) => {
    const fetch = answerWith({
      stats: { ...stats, sampleKeys: [] },
      details: { keys: [], keysNotFound: [], tags: {} },
    });

    await preview({ by, text });

    expect(JSON.parse(String(fetch.mock.calls[0]?.[1].body))).toEqual(body);
  });

  const SAMPLE = [{ key: 'caf\\xe9', keyBase64: 'Y2Fm6Q==' }, { key: 'caf' }];

  test('of a pattern names keys that are not UTF-8 in base64', async () => {
    const sampleKeysBase64 = { 'caf\\xe9': 'Y2Fm6Q==' };
    answerWith({ stats: { ...stats, sampleKeys: ['caf\\xe9', 'caf'], sampleKeysBase64 } });

    expect((await preview({ by: 'pattern', text: 'caf*' })).sample).toEqual(SAMPLE);
  });

  test('of keys names those in base64 whose text is not the name', async () => {
    const keysBase64 = { 'b\\\\xff': 'Ylx4ZmY=' };
    answerWith({ stats, details: { keys: ['a'], keysNotFound: ['b\\\\xff'], keysBase64, tags: {} } });

    const { sample, missing } = await preview({ by: 'keys', text: 'a\nb\\xff' });

    expect(sample).toEqual([{ key: 'a' }]);
    expect(missing).toEqual([{ key: 'b\\\\xff', keyBase64: 'Ylx4ZmY=' }]);
  });
});

describe('the effect', () => {
  const named = (...names: string[]) => names.map((key) => ({ key }));

  test.each([
    [10_000, 0.01, true],
    [9_999, 0.5, false],
    [9_999, 0.51, true],
    [99, 1, false],
    [9_999, null, false],
  ])('of %i keys, a share of %j, is confirmed with their number: %j', (count, share, needed) =>
    expect(needsTypedCount(count, share)).toBe(needed),
  );

  test('names the prefixes as long as they group the keys', () => {
    const shop = named('users:1:profile', 'users:2:profile', 'products:1', 'config');

    expect(prefixesOf(shop)).toEqual([
      { prefix: 'users:', share: 0.5 },
      { prefix: 'products:', share: 0.25 },
      { prefix: 'config', share: 0.25 },
    ]);
    expect(prefixesOf(named('users:1:a', 'users:2:a', 'users:3:a'))).toEqual([{ prefix: 'users:', share: 1 }]);
    expect(prefixesOf(named('app:users:1', 'app:users:2', 'app:orders:3', 'app:orders:4'))).toEqual([
      { prefix: 'app:users:', share: 0.5 },
      { prefix: 'app:orders:', share: 0.5 },
    ]);
    expect(prefixesOf([])).toEqual([]);
  });

  test('estimates the memory from the keys whose size is known', () => {
    expect(estimateBytes([{ sizeBytes: 100 }, { sizeBytes: 300 }, { sizeBytes: null }], 1000)).toBe(200_000);
    expect(estimateBytes([], 1000)).toBeNull();
  });

  test('is put into words', () => {
    expect(describeEffect({ share: 0.124, isShareExact: true, bytes: 2048, reloadMs: 125_000 })).toBe(
      '12.4 % of all keys · about 2.0 KB of memory · about 2m 5s of loading',
    );
    expect(describeEffect({ share: 0.5, isShareExact: false, bytes: null, reloadMs: null })).toBe(
      'about 50.0 % of all keys',
    );
    expect(describeEffect({ share: 0, isShareExact: false, bytes: null, reloadMs: null })).toBe(
      'less than 0.1 % of all keys',
    );
  });

  test.each([
    ['users', ['users:*', '*users*']],
    ['users:', ['users:*', '*users:*']],
    ['users:*', []],
    ['', []],
  ])('the pattern %j may have meant %j', (text, meant) => expect(patternsMeant(text)).toEqual(meant));
});

describe('the mode', () => {
  test('a deletion is the default of the API', () => expect(modeFields('hard', '60')).toEqual({}));

  test('marking stale has a grace', () =>
    expect(modeFields('soft', '90')).toEqual({ mode: 'soft', softGraceSeconds: 90 }));

  test.each(['', '0', '1.5', 'x'])('the grace %j is refused', (typed) => expect(graceProblem(typed)).not.toBe(''));
});

test.each([
  [{ deleted: 1200, markedStale: 0 }, '1,200 keys deleted'],
  [{ deleted: 0, markedStale: 1 }, '1 key marked stale'],
  [{ deleted: 2, markedStale: 3 }, '3 keys marked stale, 2 keys deleted'],
])('the removal %j is described as %j', (removal, text) => expect(describeRemoval(removal)).toBe(text));

describe('suggestions', () => {
  const KNOWN = ['users:*', 'products:*', 'products:*:details', 'seo:users:*'];

  test('those that continue the text come before those that contain it', () => {
    expect(matching(KNOWN, 'users')).toEqual(['users:*', 'seo:users:*']);
    expect(matching(KNOWN, 'Prod')).toEqual(['products:*', 'products:*:details']);
    expect(matching(KNOWN, '')).toEqual(KNOWN);
    expect(matching(KNOWN, 'users:*')).toEqual(['seo:users:*']);
    expect(matching(KNOWN, 'nothing')).toEqual([]);
  });

  test('prefixes of names are patterns, without ids and keys of edge-cache', () => {
    expect(modulePatterns(['users:1', 'users:2', '17:x', 'cache:ttl', 'a*b:c', 'plain'])).toEqual([
      'users:*',
      'a\\*b:*',
    ]);
  });
});

test('a number that one request has counted is confirmed as that number', () => {
  expect(confirmationOf({ count: 20_138, isCounted: true })).toEqual({ confirmCount: 20_138 });
  expect(confirmationOf({ count: 9_000_000, isCounted: false })).toEqual({ confirm: true });
});

test('the time to load the keys again is that of their modules’ loads', () => {
  const rows = [
    { modules: [{ module: 'users', loads: 10, loadMs: 500 }] },
    { modules: [{ module: 'users', loads: 10, loadMs: 300 }] },
    {},
  ] as unknown as HistoryRow[];

  expect(estimateReloadMs([{ prefix: 'users:', share: 1 }], 1000, rows)).toBe(40_000);
  expect(
    estimateReloadMs(
      [
        { prefix: 'users:1', share: 0.5 },
        { prefix: 'seo:', share: 0.5 },
      ],
      10,
      rows,
    ),
  ).toBe(400);
  expect(estimateReloadMs([{ prefix: 'seo:', share: 1 }], 10, rows)).toBeNull();
});
