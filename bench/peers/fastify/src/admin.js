// Lists and removes keys: with SCAN, never KEYS, and a pipeline for the details of each key.
import { humanBytes } from './format.js';

const SLICE = 1000;
const PROTECTED = /^(cache|lock):/;

export async function listKeys(redis, { pattern, limit, cursor }) {
  const names = new Set();
  let next = cursor;
  do {
    const [after, found] = await redis.scan(next, 'MATCH', pattern, 'COUNT', limit);
    next = after;
    for (const name of found) names.add(name);
  } while (next !== '0' && names.size < limit);
  const keys = [...names];
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.type(key).ttl(key).memory('USAGE', key);
  if (pattern === '*') pipeline.dbsize();
  const replies = (await pipeline.exec()).map(([error, reply]) => (error ? null : reply));
  const rows = keys.map((key, index) => {
    const [type, ttl, sizeBytes] = replies.slice(3 * index, 3 * index + 3);
    return { key, path: encodeURIComponent(key).replaceAll('%3A', ':'), type, ttl, size: humanBytes(sizeBytes), sizeBytes };
  });
  const total = pattern === '*' ? replies.at(-1) : null;
  const hasMore = next !== '0';
  return { keys: rows, pagination: { total, returned: rows.length, nextCursor: hasMore ? next : null, hasMore } };
}

// A pipeline with one command for each key is usual with ioredis. One command for the whole slice is faster, and is measured as well
// (`?unlink=slice`), although it does not work in a Cluster.
async function unlink(redis, keys, how) {
  if (how === 'slice') return redis.unlink(keys);
  const pipeline = redis.pipeline();
  for (const key of keys) pipeline.unlink(key);
  return (await pipeline.exec()).reduce((sum, [, removed]) => sum + (removed ?? 0), 0);
}

export async function clearByPattern(redis, pattern, how) {
  const guarded = !PROTECTED.test(pattern);
  let removed = 0;
  for await (const slice of redis.scanStream({ match: pattern, count: SLICE })) {
    const keys = guarded ? slice.filter((key) => !PROTECTED.test(key)) : slice;
    if (keys.length > 0) removed += await unlink(redis, keys, how);
  }
  return removed;
}

// The set is read in slices and removed at the end, as is usual.
async function invalidateTag(redis, tag, how) {
  const set = `cache:tags:${tag}`;
  let removed = 0;
  for await (const members of redis.sscanStream(set, { count: SLICE })) {
    if (members.length > 0) removed += await unlink(redis, members, how);
  }
  await redis.unlink(set);
  return removed;
}

export async function invalidateTags(redis, tags, how) {
  const removed = {};
  for (const tag of tags) removed[tag] = await invalidateTag(redis, tag, how);
  return removed;
}
