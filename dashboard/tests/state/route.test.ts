import { expect, test } from 'vitest';
import { href, parseRoute } from '../../src/state/route';
import { requestsDevTools } from '../../src/state/settings';

test.each(['', '#/nothing'])('the address %j opens the overview', (hash) =>
  expect(parseRoute(hash).view).toBe('overview'),
);

test('a view has a query of its own', () => {
  const hash = href('keys', { pattern: 'users:*' });

  expect(hash).toBe('#/keys?pattern=users%3A*');
  expect(parseRoute(hash).query.get('pattern')).toBe('users:*');
});

test('a query may contain question marks', () => {
  expect(parseRoute('#/keys?pattern=users:1?:*').query.get('pattern')).toBe('users:1?:*');
});

test.each([
  ['?dev', true],
  ['?dev=1', true],
  ['?dev=0', false],
  ['', false],
])('the query %j shows DevTools: %j', (search, shown) => expect(requestsDevTools(search)).toBe(shown));
