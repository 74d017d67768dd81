// Reads through the cache: one load for each key, within this process by a map of promises, across processes by a lock in Redis.
// Copies of what Redis has can be kept in memory for a short time; invalidations do not reach them.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';

const LEASE_MS = 10_000;
const NEAR_BYTES = 8 << 20;
const RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

export class ReadThrough {
  #redis;
  #loading = new Map();
  #near;

  /** Keeps copies for `nearMs`; none for 0. */
  constructor(redis, nearMs) {
    this.#redis = redis;
    if (nearMs > 0) this.#near = new LRUCache({ maxSize: NEAR_BYTES, sizeCalculation: (json) => json.length, ttl: nearMs });
    redis.defineCommand('releaseLock', { numberOfKeys: 1, lua: RELEASE });
  }

  /** Returns the value of `key` as JSON text, with NEAR, HIT or MISS. `load` runs once for concurrent callers. */
  async getOrSet(key, ttlSeconds, tags, load) {
    const copy = this.#near?.get(key);
    if (copy !== undefined) return { json: copy, outcome: 'NEAR' };
    const stored = await this.#redis.get(key);
    if (stored !== null) {
      this.#near?.set(key, stored);
      return { json: stored, outcome: 'HIT' };
    }
    const loading = this.#loading.get(key);
    if (loading) return { json: (await loading).json, outcome: 'HIT' };
    const own = this.#loadOnce(key, ttlSeconds, tags, load).finally(() => this.#loading.delete(key));
    this.#loading.set(key, own);
    return own;
  }

  async #loadOnce(key, ttlSeconds, tags, load) {
    const [lock, owner, deadline] = [`lock:${key}`, randomUUID(), performance.now() + LEASE_MS];
    while (performance.now() < deadline && !(await this.#redis.set(lock, owner, 'PX', LEASE_MS, 'NX'))) {
      await sleep(10);
      const stored = await this.#redis.get(key);
      if (stored !== null) return { json: stored, outcome: 'HIT' };
    }
    // Another caller may have stored the value between the lookup and the lock.
    const stored = await this.#redis.get(key);
    if (stored !== null) {
      await this.#redis.releaseLock(lock, owner);
      return { json: stored, outcome: 'HIT' };
    }
    try {
      const json = JSON.stringify(await load());
      const pipeline = this.#redis.pipeline().set(key, json, 'EX', ttlSeconds);
      for (const tag of tags) pipeline.sadd(`cache:tags:${tag}`, key);
      await pipeline.exec();
      return { json, outcome: 'MISS' };
    } finally {
      await this.#redis.releaseLock(lock, owner);
    }
  }
}
