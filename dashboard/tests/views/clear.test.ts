import { afterEach, describe, expect, test, vi } from 'vitest';
import { nameToLine } from '../../src/lib/name-lines';
import { preview } from '../../src/views/clear/removal';
import {
  incompleteReason,
  isGlobalClear,
  namesOnLines,
  neededRole,
  whiteSpaceNote,
} from '../../src/views/clear/selection';
import { SelectionSummary } from '../../src/views/clear/summary';
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
  const stats = { keysInvalidated: 1, keysMatched: 1, duration: '1ms', exact: true, method: 'walk' };

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
