import { describe, expect, test } from 'vitest';
import { secondsOf } from '../../src/ui/duration-field';
import { EMPTY_FORM, formProblem, requestOf } from '../../src/views/expiry/request';

describe('the request', () => {
  test('gives keys of a pattern a TTL, spread', () => {
    expect(requestOf({ ...EMPTY_FORM, text: 'sessions:*' })).toEqual({
      pattern: 'sessions:*',
      onlyWithoutTtl: 86_400,
      jitter: 10,
    });
  });

  test('has the names on their lines, and conditions', () => {
    expect(
      requestOf({
        ...EMPTY_FORM,
        by: 'keys',
        text: 'a\nb',
        change: 'ttl',
        jitter: '0',
        type: 'hash',
        minSizeBytes: 10,
      }),
    ).toEqual({ keys: ['a', 'b'], type: 'hash', minSizeBytes: 10, ttl: 86_400 });
  });

  test('removes TTLs without a duration', () => {
    expect(requestOf({ ...EMPTY_FORM, by: 'tags', text: 't', change: 'persist' })).toEqual({
      tags: ['t'],
      persist: true,
    });
  });
});

describe('the form', () => {
  test('without a pattern is incomplete', () => expect(formProblem(EMPTY_FORM)).toBe('Type a pattern first.'));

  test.each([
    [{ duration: { typed: '0', unit: 'days' } }, 'the TTL'],
    [{ jitter: '51' }, 'the spread'],
  ] as const)('with %j names the bad field', (changes, field) =>
    expect(formProblem({ ...EMPTY_FORM, text: 'a', ...changes })).toContain(field),
  );
});

test.each([
  ['90', 'seconds', 90],
  ['2', 'hours', 7200],
  ['', 'days', null],
  ['1.5', 'hours', null],
  ['4000', 'days', null],
] as const)('the duration %j %s is %j seconds', (typed, unit, seconds) =>
  expect(secondsOf({ typed, unit })).toBe(seconds),
);
