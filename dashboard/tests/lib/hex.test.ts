import { expect, test } from 'vitest';
import { decodeBase64, toHexLines } from '../../src/lib/hex';

test('bytes are shown 16 per line, with the printable characters beside them', () => {
  const [first, second] = toHexLines(decodeBase64(btoa('0123456789abcdef\u00ff')));

  expect(first).toEqual({
    offset: '000000',
    hex: '30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66',
    text: '0123456789abcdef',
  });
  expect(second).toEqual({ offset: '000010', hex: 'ff', text: '·' });
});
