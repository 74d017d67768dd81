// edge-cache for JavaScript on Spin. Values are anything that JSON can express; times are in seconds.
import * as cache from "edge-cache:cache/cache@0.1.0";

// A turn ends by itself after 10 s.
const EXTEND_EVERY_MS = 3000;

/**
 * Reads a value, or loads and stores it. One of all callers on all instances loads; the others wait for its result.
 *
 * @template T
 * @param {string} key
 * @param {{ ttl?: number, grace?: number, lockWait?: number, failureTtl?: number, negativeTtl?: number, tags?: string[] }} options
 * @param {() => T | Promise<T>} load
 * @returns {Promise<T>} Rejects with the error of `load`, or of another caller's that has just failed.
 */
export async function getOrSet(key, options, load) {
  const outcome = await waitForOutcome(cache.lookup(key, toWit(options)));
  switch (outcome.tag) {
    case "load":
      return loadInTurn(outcome.val, load);
    case "load-failed":
      throw new Error(outcome.val);
    case "failed":
      console.error(`edge-cache: ${outcome.val}`);
      return load();
    default:
      return JSON.parse(outcome.val);
  }
}

/** Reads a fresh value; undefined without one. */
export function get(key) {
  const value = cache.get(key);
  return value === undefined ? undefined : JSON.parse(value);
}

/** Writes a value. Of the options, `ttl` and `tags` count. */
export function set(key, value, options = {}) {
  cache.set(key, JSON.stringify(value), toWit(options));
}

/** Invalidates entries by keys, tags and patterns; returns how many were removed. */
export function invalidate({ keys = [], tags = [], patterns = [] }) {
  return Number(cache.invalidate({ keys, tags, patterns }));
}

async function waitForOutcome(outcome) {
  while (outcome.tag === "wait") {
    const waiter = outcome.val;
    await new Promise((resume) => setTimeout(resume, waiter.delayMs()));
    outcome = waiter.retry();
    waiter[Symbol.dispose]();
  }
  return outcome;
}

async function loadInTurn(turn, load) {
  const extending = setInterval(() => turn.extend(), EXTEND_EVERY_MS);
  try {
    const value = await load();
    // A value that is not stored is logged by the cache.
    turn.store(JSON.stringify(value ?? null));
    return value;
  } catch (error) {
    const stale = turn.fail(String(error?.message ?? error));
    if (stale === undefined) throw error;
    return JSON.parse(stale);
  } finally {
    clearInterval(extending);
    turn[Symbol.dispose]();
  }
}

function toWit({ ttl, grace, lockWait, failureTtl, negativeTtl, tags = [] }) {
  const ms = (seconds) => (seconds === undefined ? undefined : BigInt(Math.round(seconds * 1000)));
  return {
    ttlMs: ms(ttl),
    graceMs: ms(grace),
    lockWaitMs: ms(lockWait),
    failureTtlMs: ms(failureTtl),
    negativeTtlMs: ms(negativeTtl),
    tags,
  };
}
