// The administration of a Redis cache, and one cached read, as a team would write them with Node, Fastify and ioredis. A peer of
// edge-cache in scripts/bench. Settings come from the environment: PORT, REDIS_PORT, TOKEN_SHA256 (hex), CATALOGUE (a file of SQL),
// and NEAR_MS, how long copies are kept in memory (0: none).
import { createHash, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { health, stats } from './status.js';
import { clearByPattern, invalidateTags, listKeys } from './admin.js';
import { openCatalogue } from './catalogue.js';
import { ReadThrough } from './read-through.js';
import { keysQuery, clearBody, invalidateBody, keysAnswer, searchQuery, unlinkQuery } from './schemas.js';

const env = process.env;
const expected = Buffer.from(env.TOKEN_SHA256, 'hex');
const redis = new Redis({ host: '127.0.0.1', port: Number(env.REDIS_PORT), enableAutoPipelining: true });
redis.on('error', () => {}); // Reported by /health and by the request that fails.
const catalogue = openCatalogue(env.CATALOGUE);
const cache = new ReadThrough(redis, Number(env.NEAR_MS ?? 0));

// One line for each request, as in edge-cache, written without waiting.
const app = Fastify({ disableRequestLogging: true, logger: { level: 'info' } });
app.addHook('onResponse', async (request, reply) => {
  request.log.info({ method: request.method, path: request.url, status: reply.statusCode, durationMs: reply.elapsedTime }, 'request');
});

async function authenticate(request, reply) {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const given = createHash('sha256').update(token).digest();
  if (!timingSafeEqual(given, expected)) {
    return reply.code(401).header('www-authenticate', 'Bearer').send({ success: false, status: 401, title: 'Unauthorized' });
  }
}
const envelope = (fields) => ({ success: true, ...fields, timestamp: new Date().toISOString() });
const duration = (started) => {
  const ms = Math.round(performance.now() - started);
  return { duration: ms < 1000 ? `${ms}ms` : `${(ms / 1000).toFixed(1)}s`, durationMs: ms };
};

app.get('/api/cache/health/live', async () => ({ status: 'live', timestamp: new Date().toISOString() }));
app.get('/api/cache/health', async (request, reply) => {
  const report = await health(redis);
  return reply.code(report.status === 'unhealthy' ? 503 : 200).send(report);
});

app.register(async (guarded) => {
  guarded.addHook('onRequest', authenticate);
  guarded.get('/stats', async () => envelope({ data: await stats(redis) }));
  guarded.get('/keys', { schema: { querystring: keysQuery, response: { 200: keysAnswer } } }, async ({ query }) =>
    envelope({ data: await listKeys(redis, query) }));
  guarded.post('/clear', { schema: { body: clearBody, querystring: unlinkQuery } }, async ({ body, query }) => {
    const started = performance.now();
    const keysDeleted = await clearByPattern(redis, body.pattern, query.unlink);
    return envelope({ message: `Cache cleared for pattern: ${body.pattern}`, stats: { keysDeleted, ...duration(started) } });
  });
  guarded.post('/invalidate', { schema: { body: invalidateBody, querystring: unlinkQuery } }, async ({ body, query }) => {
    const started = performance.now();
    const tags = await invalidateTags(redis, body.tags, query.unlink);
    const keysInvalidated = Object.values(tags).reduce((sum, count) => sum + count, 0);
    const stats = { keysInvalidated, tagsProcessed: body.tags.length, ...duration(started) };
    return envelope({ message: 'Cache invalidated', stats, details: { tags } });
  });
  guarded.post('/warmup', async () => {
    const started = performance.now();
    const keysCreated = await catalogue.warmUp(redis);
    return envelope({ message: 'Cache warmup completed', stats: { keysCreated, errors: 0, ...duration(started) } });
  });
}, { prefix: '/api/cache' });

app.get('/api/products/search', { schema: { querystring: searchQuery } }, async ({ query }, reply) => {
  const words = query.q.trim().toLowerCase();
  const found = await cache.getOrSet(`products:search:${words}`, 900, ['product-catalog'], async () => catalogue.search(words));
  return reply.header('x-cache', found.outcome).header('content-type', 'application/json').send(found.json);
});

await app.listen({ host: '127.0.0.1', port: Number(env.PORT) });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await app.close();
    redis.disconnect();
    process.exit(0);
  });
}
