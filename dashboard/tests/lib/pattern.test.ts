import { describe, expect, test } from 'vitest';
import { escapeGlob, matchesEverything, searchPattern } from '../../src/lib/pattern';

describe('searches', () => {
  test('an empty search lists everything', () => expect(searchPattern('')).toBe('*'));

  test('a text without wildcards is searched for anywhere in the name, exactly as typed', () => {
    expect(searchPattern(' user ')).toBe('* user *');
  });

  test.each(['users:*', 'a[bc]'])('the pattern %s is used as it is', (pattern) =>
    expect(searchPattern(pattern)).toBe(pattern),
  );
});

test('an escaped name has no wildcards', () => expect(escapeGlob('a*b[c]?\\:')).toBe('a\\*b\\[c\\]\\?\\\\:'));

test.each(['*', '**', '?*', '*?'])('%s matches everything', (pattern) => expect(matchesEverything(pattern)).toBe(true));

test.each(['?', 'a*', '*:*', ''])('%j does not match everything', (pattern) =>
  expect(matchesEverything(pattern)).toBe(false),
);
