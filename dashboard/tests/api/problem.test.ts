import { expect, test } from 'vitest';
import { Problem, problemOf } from '../../src/api/problem';

test('a problem keeps the description of the application', async () => {
  const body = {
    type: 'urn:edge-cache:problem:redis-timeout',
    detail: 'Redis did not answer in time',
    requestId: 'r1',
    keysDeleted: 47,
  };

  const problem = await problemOf(new Response(JSON.stringify(body), { status: 503 }));

  expect(problem).toMatchObject({
    status: 503,
    message: 'Redis did not answer in time',
    redisDown: true,
    keysDeleted: 47,
    requestId: 'r1',
  });
});

test('the answer of a proxy is described by its status', async () => {
  const answer = new Response('<h1>Bad gateway</h1>', { status: 502, statusText: 'Bad Gateway' });

  const problem = await problemOf(answer);

  expect(problem.message).toBe('The application answered 502 Bad Gateway');
  expect(problem.redisDown).toBe(false);
});

test('an application without the path is older than the page', () => {
  expect(new Problem(404, 'x').unsupported).toBe(true);
});
