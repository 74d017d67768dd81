import { expect, test } from 'vitest';
import { matchesWords } from '../../src/lib/words';

test.each([
  ['', true],
  ['clear', true],
  ['pat CLE', true],
  ['clear tag', false],
])('the words %j find "Clear by pattern": %j', (typed, found) =>
  expect(matchesWords('Clear by pattern', typed)).toBe(found),
);
