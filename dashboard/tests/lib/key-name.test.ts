import { describe, expect, test } from 'vitest';
import { idOf, isSameKey, namedKeys, partsOf, refOf } from '../../src/lib/key-name';

/** A key whose name is the byte ff after `b`, and one whose name is the text `b\xff`. */
const BYTE = { key: 'b\\xff', keyBase64: 'Yv8=' };
const TEXT = { key: 'b\\\\xff', keyBase64: 'Ylx4ZmY=' };

describe('keys', () => {
  test('a byte and the text of its escape are different keys', () => {
    expect(idOf(refOf(BYTE))).not.toBe(idOf(refOf(TEXT)));
  });

  test('a text names the key with that text, not the key with the byte it escapes', () => {
    expect(isSameKey({ key: 'b\\xff' }, TEXT)).toBe(true);
    expect(isSameKey({ key: 'b\\xff' }, BYTE)).toBe(false);
  });

  test('an answer about another key is recognised', () => {
    expect(isSameKey({ key: '.' }, { key: '' })).toBe(false);
    expect(isSameKey({ key: 'a//b' }, { key: 'a/b' })).toBe(false);
  });

  test('the empty name and a name in base64 are recognised', () => {
    expect(isSameKey({ key: '' }, { key: '' })).toBe(true);
    expect(isSameKey({ keyBase64: 'YQ==' }, { key: 'a' })).toBe(true);
  });
});

describe('parts of a name', () => {
  test('only a part that is not UTF-8 is escaped', () => {
    const parts = partsOf({ key: 'users:caf\\xe9', keyBase64: 'dXNlcnM6Y2Fm6Q==' });

    expect(parts).toEqual([
      { text: 'users', isBytes: false },
      { text: 'caf\\xe9', isBytes: true },
    ]);
  });
});

describe('a list of names', () => {
  test('gets the base64 of those that are shown escaped', () => {
    expect(namedKeys(['b\\xff', 'b'], { 'b\\xff': 'Yv8=' })).toEqual([BYTE, { key: 'b' }]);
  });

  test('has the plain names of an answer without base64', () => {
    expect(namedKeys(['b\\xff', 'constructor'])).toEqual([{ key: 'b\\xff' }, { key: 'constructor' }]);
  });
});
