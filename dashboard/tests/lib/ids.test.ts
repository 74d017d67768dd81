import { expect, test } from 'vitest';
import { isId } from '../../src/lib/ids';

test.each([
  ['42', true],
  ['2025-11-15', true],
  ['10.0.0.1', true],
  ['{42}', true],
  ['deadbeef1', true],
  ['0b7e6c1e-5a3f-4a0e-9d2a-1c2b3d4e5f60', true],
  ['a1b2c3d4e5f6g7h8', true],
  ['Xk3_9fQ-aPz17LmN0_yTb', true],
  ['details', false],
  ['page-2', false],
  ['deadbeef', false],
  ['setting-17-of-the-shop', false],
  ['', false],
])('%j is an id: %j', (part, expected) => expect(isId(part)).toBe(expected));
