import { describe, expect, test } from 'vitest';
import { nameToLine } from '../../src/lib/name-lines';
import {
  describeSelection,
  incompleteReason,
  isGlobalClear,
  namesOnLines,
  neededRole,
  whiteSpaceNote,
} from '../../src/views/clear/selection';

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

test('a long list of tags is described by the first and their number', () => {
  expect(describeSelection({ by: 'tags', text: 'a\nb\nc\nd' })).toBe('tags a, b, c, … (4)');
});
