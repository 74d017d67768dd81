import { expect, test } from 'vitest';
import { splitInvisible } from '../../src/lib/invisible';

const shown = (text: string): string =>
  splitInvisible(text)
    .map((segment) => segment.text)
    .join('');

test('white space at either end and line breaks are shown as symbols', () => {
  expect(shown(' users: a\n')).toBe('␣users: a↵');
});

test('repeated spaces and characters without a glyph are shown', () => {
  expect(shown('a  b\u00a0c\u202ed')).toBe('a␣␣bU+00A0cU+202Ed');
});

test('a plain text is one segment', () => {
  expect(splitInvisible('plain text')).toEqual([{ text: 'plain text' }]);
});
