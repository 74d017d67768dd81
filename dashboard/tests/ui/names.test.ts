import { expect, test } from 'vitest';
import { namedKeys } from '../../src/lib/key-name';
import { Names } from '../../src/ui/names';
import { textOf } from '../rendered';

const shown = (names: readonly string[], base64?: Record<string, string>): string =>
  textOf(Names({ names: namedKeys(names, base64) }));

test('a long list shows its first names and its length', () => {
  expect(shown(['a', 'b', 'c'])).toBe('a, b, c');
  expect(shown(['a', 'b', 'c', 'd'])).toBe('a, b, c, … (4)');
});

test('white space at either end of each name is shown as a symbol', () => {
  expect(shown([' a', 'b ', 'c\n', ''])).toBe('␣a, b␣, c↵, … (4)');
});

test('a list of one empty name is not empty', () => expect(shown([''])).toBe('(empty name)'));

test('only names in base64 are marked as escaped', () => {
  expect(shown(['caf\\xe9', 'plain'], { 'caf\\xe9': 'Y2Fm6Q==' })).toBe('caf\\xe9 escaped, plain');
});
