import { expect, test } from 'vitest';
import { isRanked } from '../../src/views/performance/hot';

test('a key is ranked while its count says more than its error', () => {
  expect(isRanked({ lookups: 100, maxError: 99 })).toBe(true);
  expect(isRanked({ lookups: 100, maxError: 100 })).toBe(false);
  expect(isRanked({ lookups: 16, maxError: 47 })).toBe(false);
});
