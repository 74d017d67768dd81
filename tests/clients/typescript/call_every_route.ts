// Calls every operation of openapi.yaml through openapi-fetch: with success, without a valid token, with a parameter that the operation
// does not have, and for something that does not exist. Every error must have the type Problem.
//
//   call_every_route.js ORIGIN TOKEN
//
// Started by tests/tests/clients.rs, which prepares Redis and checks in the application's log that no operation was left out.
import assert from 'node:assert/strict';
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './openapi.js';

type Api = Client<paths>;
type Problem = components['schemas']['Problem'];
/** An operation whose errors have another type than Problem does not compile. */
type Answer = { data?: unknown; error?: Problem | undefined; response: Response };
type Call = (api: Api) => Promise<Answer>;

const key = 'clients:typescript';
const missing = 'clients:missing';
const job = '0123456789abcdef0123';
const dryRun = '0123456789abcdef0125';
const missingJob = '0123456789abcdef0124';
const operation = '4102444800000-0-1-0123456789abcdef';
const missingOperation = '4102444800000-0-1-0123456789abcdee';
/** The hashes of the values '1' and '2'. */
const hashOfOne = '356a192b7913b04c54574d18c28d46e6395428ab';
const hashOfTwo = 'da4b9237bacccdf19c0760cab7aec4a8359010b0';

const oldAddresses = [
  '/api/catalog/invalidate-cache',
  '/api/manufacturers/cache/clear',
  '/api/blog/refresh-cache',
  '/api/products/cache/clear',
  '/api/users/cache/clear',
  '/api/vehicles/cache/clear',
  '/api/config/cache/clear',
  '/api/seo/cache/clear',
  '/api/suppliers/cache/clear',
  '/api/dashboard/cache/clear',
] as const;

const publicCalls: Call[] = [
  (api) => getHealth(api),
  (api) => api.GET('/api/cache/health/live'),
  (api) => api.GET('/api/cache/health/ready'),
];

/** The protected operations, each with arguments for a success. tests/tests/clients.rs has created what they need. */
const calls: Call[] = [
  (api) => api.GET('/api/cache/stats'),
  (api) => api.GET('/api/cache/alerts'),
  (api) => api.GET('/api/cache/history', { params: { query: { step: 300 } } }),
  (api) => api.POST('/api/cache/analysis', { body: { depth: 2 } }),
  (api) => api.GET('/api/cache/analysis'),
  (api) => api.GET('/api/cache/hotkeys', { params: { query: { minutes: 10 } } }),
  (api) => api.GET('/api/cache/slowlog', { params: { query: { limit: 10 } } }),
  (api) => api.GET('/api/cache/metrics', { parseAs: 'text' }),
  (api) => api.GET('/api/cache/audit', { params: { query: { limit: 10 } } }),
  (api) => api.GET('/api/cache/operations/{id}', { params: { path: { id: operation } } }),
  (api) => api.GET('/api/cache/keys', { params: { query: { pattern: 'clients:*', exact: true } } }),
  (api) => api.GET('/api/cache/keys/entry', { params: { query: { key } } }),
  (api) => api.POST('/api/cache/keys/entry', { body: { key } }),
  (api) => api.GET('/api/cache/keys/{key}', { params: { path: { key } } }),
  (api) => api.PUT('/api/cache/keys/entry', { body: { key, value: '2', if: hashOfOne } }),
  (api) => api.PUT('/api/cache/keys/{key}', { params: { path: { key } }, body: { value: '1', if: hashOfTwo } }),
  (api) => api.POST('/api/cache/operations/{id}/undo', { params: { path: { id: operation } } }),
  (api) => api.PATCH('/api/cache/keys/entry', { body: { key, ttl: 600 } }),
  (api) => api.PATCH('/api/cache/keys/{key}', { params: { path: { key } }, body: { ttl: 600 } }),
  (api) => api.PUT('/api/cache/ttl', { body: { prefix: 'clients', ttl: 60 } }),
  (api) => api.GET('/api/cache/ttl'),
  (api) => api.DELETE('/api/cache/ttl', { body: { prefix: 'clients' } }),
  (api) => api.PUT('/api/cache/rules', { body: { event: 'clients.changed', keys: ['clients:{id}'] } }),
  (api) => api.GET('/api/cache/rules'),
  (api) => api.DELETE('/api/cache/rules', { body: { event: 'clients.changed' } }),
  (api) => api.GET('/api/cache/warmup/plan'),
  (api) => api.GET('/api/cache/warmup'),
  (api) => api.GET('/api/catalog/invalidate-cache'),
  ...oldAddresses.map(
    (path): Call =>
      (api) =>
        api.POST(path),
  ),
  // A warmup seems to be running until its lock is removed.
  (api) => api.POST('/api/cache/warmup/cancel'),
  (api) => api.DELETE('/api/cache/keys/entry', { body: { key: 'lock:cache:warmup' } }),
  (api) => api.POST('/api/cache/warmup', { body: { modules: ['users'] } }),
  (api) => api.POST('/api/cache/warmup/scheduled'),
  (api) => api.POST('/api/cache/events', { body: { type: 'product.updated', id: '1' } }),
  (api) => api.POST('/api/cache/clear', { body: { pattern: 'clients:*', dryRun: true } }),
  (api) => api.POST('/api/cache/expire', { body: { keys: [key], ttl: 60 } }),
  (api) => api.DELETE('/api/cache/invalidate', { body: { keys: [key] } }),
  (api) => api.POST('/api/cache/invalidate', { body: { tags: ['clients'] } }),
  // The stored job is paused, and no worker advances it: the test holds the lease.
  (api) => api.GET('/api/cache/jobs', { params: { query: { limit: 10 } } }),
  (api) => api.GET('/api/cache/jobs/{id}', { params: { path: { id: job } } }),
  (api) => api.POST('/api/cache/jobs/{id}/resume', { params: { path: { id: job } } }),
  (api) => api.POST('/api/cache/jobs/{id}/pause', { params: { path: { id: job } } }),
  (api) => api.POST('/api/cache/jobs/{id}/cancel', { params: { path: { id: job } } }),
  (api) => api.POST('/api/cache/jobs/{id}/execute', { params: { path: { id: dryRun } }, body: { by: 'pattern' } }),
];

const callsForNothing: Call[] = [
  (api) => api.GET('/api/cache/keys/entry', { params: { query: { key: missing } } }),
  (api) => api.POST('/api/cache/keys/entry', { body: { key: missing } }),
  (api) => api.GET('/api/cache/keys/{key}', { params: { path: { key: missing } } }),
  (api) => api.PUT('/api/cache/keys/entry', { body: { key: missing, value: '2', if: hashOfOne } }),
  (api) => api.PUT('/api/cache/keys/{key}', { params: { path: { key: missing } }, body: { value: '1', if: hashOfTwo } }),
  (api) => api.POST('/api/cache/operations/{id}/undo', { params: { path: { id: missingOperation } } }),
  (api) => api.PATCH('/api/cache/keys/entry', { body: { key: missing, ttl: 600 } }),
  (api) => api.PATCH('/api/cache/keys/{key}', { params: { path: { key: missing } }, body: { ttl: 600 } }),
  (api) => api.DELETE('/api/cache/keys/entry', { body: { key: missing } }),
  (api) => api.DELETE('/api/cache/ttl', { body: { prefix: 'missing' } }),
  (api) => api.DELETE('/api/cache/rules', { body: { event: 'missing' } }),
  (api) => api.POST('/api/cache/warmup/cancel'),
  (api) => api.GET('/api/cache/jobs/{id}', { params: { path: { id: missingJob } } }),
  (api) => api.GET('/api/cache/operations/{id}', { params: { path: { id: missingOperation } } }),
  (api) => api.GET('/api/cache/analysis', { params: { query: { id: '1-0' } } }),
  (api) => api.POST('/api/cache/jobs/{id}/resume', { params: { path: { id: missingJob } } }),
  (api) => api.POST('/api/cache/jobs/{id}/pause', { params: { path: { id: missingJob } } }),
  (api) => api.POST('/api/cache/jobs/{id}/cancel', { params: { path: { id: missingJob } } }),
  (api) => api.POST('/api/cache/jobs/{id}/execute', { params: { path: { id: missingJob } } }),
  (api) => api.GET('/admin/{file}', { params: { path: { file: 'missing.js' } } }),
];

/** Its error is either a problem, or the report of an unhealthy cache. */
async function getHealth(api: Api): Promise<Answer> {
  const { data, error, response } = await api.GET('/api/cache/health');
  if (error === undefined) return { data, response };

  assert.ok('type' in error, error.status === 'unhealthy' ? error.redis.error : '');
  return { error, response };
}

function expectSuccess({ data, error, response }: Answer): void {
  assert.ok([200, 202].includes(response.status), `${response.url}: ${error?.detail}`);
  assert.ok(data !== undefined && error === undefined, response.url);
}

function expectProblem({ error, response }: Answer, status: number, name: string): Problem {
  assert.ok(error, `${response.url}: no problem with the status ${response.status}`);
  assert.deepEqual([response.status, error.status], [status, status], response.url);
  assert.equal(error.type, `urn:edge-cache:problem:${name}`, response.url);
  assert.ok(!error.success && error.detail && error.requestId, response.url);
  return error;
}

const [origin = '', token = ''] = process.argv.slice(2);
const authorization = `Bearer ${token}`;
const admin = createClient<paths>({ baseUrl: origin, headers: { authorization } });
const careless = createClient<paths>({ baseUrl: origin, headers: { authorization } });
careless.use({
  onRequest({ request }) {
    const url = new URL(request.url);
    url.searchParams.set('unknown', '1');
    return new Request(url, request);
  },
});

for (const call of [...publicCalls, ...calls]) {
  expectSuccess(await call(admin));
  const problem = expectProblem(await call(careless), 422, 'invalid-field');
  assert.equal(problem.field, 'unknown');
}

for (const [number, call] of calls.entries()) {
  // After 20 attempts from one address, the answer is 429.
  const headers = { authorization: 'Bearer not-a-token', 'x-forwarded-for': `203.0.113.${number}` };
  expectProblem(await call(createClient<paths>({ baseUrl: origin, headers })), 401, 'unauthenticated');
}

for (const call of callsForNothing) expectProblem(await call(admin), 404, 'not-found');

expectSuccess(await admin.GET('/admin', { parseAs: 'text' }));
expectSuccess(await admin.GET('/admin/{file}', { params: { path: { file: 'index.html' } }, parseAs: 'text' }));
