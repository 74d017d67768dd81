// The status of Redis: PING, INFO and DBSIZE, sent together.
import { humanBytes, humanUptime } from './format.js';

const LATENCY_ALERT_MS = 100;
const MEMORY_ALERT_PERCENT = 90;
const HIT_RATE_ALERT_PERCENT = 70;
const EVICTIONS_ALERT_PER_MINUTE = 1000;
let sample = null;

function parseInfo(text) {
  const fields = new Map();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return { number: (name) => Number(fields.get(name) ?? 0), text: (name) => fields.get(name) ?? '' };
}

async function read(redis, section) {
  const started = performance.now();
  const ping = redis.ping().then(() => performance.now() - started);
  const [latency, info] = await Promise.all([ping, section ? redis.info(section) : redis.info()]);
  return { latencyMs: Math.round(latency), info: parseInfo(info) };
}

function memoryOf(info) {
  const limit = info.number('maxmemory');
  const usagePercent = limit > 0 ? Math.round((info.number('used_memory') * 1000) / limit) / 10 : null;
  return { maxMemory: limit > 0 ? humanBytes(limit) : null, maxMemoryBytes: limit, usagePercent };
}

export async function health(redis) {
  const timestamp = new Date().toISOString();
  try {
    const { latencyMs, info } = await read(redis, 'memory');
    const memory = memoryOf(info);
    const reasons = [];
    if (latencyMs > LATENCY_ALERT_MS) reasons.push(`PING took ${latencyMs} ms`);
    if (memory.usagePercent > MEMORY_ALERT_PERCENT) reasons.push(`memory is at ${memory.usagePercent} % of its limit`);
    const used = info.number('used_memory');
    const state = { connected: true, latency: `${latencyMs}ms`, latencyMs, memoryUsage: humanBytes(used), memoryUsageBytes: used };
    return { status: reasons.length > 0 ? 'degraded' : 'healthy', redis: { ...state, ...memory, reasons }, timestamp };
  } catch (error) {
    return { status: 'unhealthy', redis: { connected: false, error: error.message }, timestamp };
  }
}

function evictionsPerMinute(evicted) {
  const now = performance.now();
  const rate = sample && now - sample.at > 10_000 ? ((evicted - sample.evicted) * 60_000) / (now - sample.at) : null;
  if (!sample || now - sample.at > 60_000) sample = { at: now, evicted };
  return rate;
}

function alerts({ latencyMs, usagePercent, hitRatio, lookups, evictions }) {
  const checks = [
    ['hit_rate', lookups >= 1000 ? 100 - hitRatio * 100 : 0, 100 - HIT_RATE_ALERT_PERCENT],
    ['memory', usagePercent ?? 0, MEMORY_ALERT_PERCENT],
    ['latency', latencyMs, LATENCY_ALERT_MS],
    ['evictions', evictions ?? 0, EVICTIONS_ALERT_PER_MINUTE],
  ];
  return checks.filter(([, value, limit]) => value > limit).map(([kind, value, threshold]) => ({ kind, value, threshold }));
}

export async function stats(redis) {
  const [{ latencyMs, info }, keyCount] = await Promise.all([read(redis), redis.dbsize()]);
  const [hits, misses] = [info.number('keyspace_hits'), info.number('keyspace_misses')];
  const hitRatio = hits + misses > 0 ? hits / (hits + misses) : null;
  const evictions = evictionsPerMinute(info.number('evicted_keys'));
  const memory = memoryOf(info);
  return {
    memory: humanBytes(info.number('used_memory')),
    memoryBytes: info.number('used_memory'),
    keyCount,
    hitRate: `${((hitRatio ?? 0) * 100).toFixed(1)}%`,
    hitRatio,
    uptime: humanUptime(info.number('uptime_in_seconds')),
    uptimeSeconds: info.number('uptime_in_seconds'),
    connected: true,
    version: info.text('redis_version'),
    hits,
    misses,
    evictedKeys: info.number('evicted_keys'),
    evictionsPerMinute: evictions,
    expiredKeys: info.number('expired_keys'),
    connectedClients: info.number('connected_clients'),
    opsPerSec: info.number('instantaneous_ops_per_sec'),
    ...memory,
    fragmentationRatio: info.number('mem_fragmentation_ratio'),
    latency: `${latencyMs}ms`,
    latencyMs,
    alerts: alerts({ latencyMs, usagePercent: memory.usagePercent, hitRatio, lookups: hits + misses, evictions }),
  };
}
