// One key as the cache library sees it: the entry, its load lock and its TTL rule.
import * as api from '../../api/endpoints';
import type { KeyDetail, LoadLock, TtlTable } from '../../api/types';
import { formatSeconds } from '../../lib/format';
import { ruleFor } from '../ttl/rows';

export interface Inspection {
  detail: KeyDetail;
  /** Milliseconds since 1970. */
  readAt: number;
  rule: TtlTable[number] | null;
}

export async function inspect(key: string): Promise<Inspection> {
  const [detail, rule] = await Promise.all([api.inspectKey({ key }), readRule(key)]);
  return { detail, readAt: Date.now(), rule };
}

/** Reads the TTL rule that applies to a key; null if the table cannot be read. */
export async function readRule(key: string): Promise<TtlTable[number] | null> {
  const table = await api.getTtlTable().catch(() => []);
  return ruleFor(key, table);
}

/** Times in seconds; null while unknown. */
export interface Freshness {
  state: 'fresh' | 'in grace' | 'unknown' | 'expired';
  age: number | null;
  /** Null: for ever. */
  freshFor: number | null;
  graceLeft: number | null;
}

type Life = Pick<KeyDetail, 'ttl' | 'freshFor' | 'graceSeconds' | 'storedAt'>;

/** The result a lookup would have `passed` seconds after the key was read, at `now` in milliseconds since 1970. */
export function freshness(life: Life, passed: number, now: number): Freshness {
  const left = life.ttl < 0 ? Infinity : life.ttl - passed;
  if (left <= 0) return { state: 'expired', age: null, freshFor: null, graceLeft: null };
  if (life.storedAt === null) return { state: 'unknown', age: null, freshFor: null, graceLeft: null };

  const freshFor = life.freshFor === null ? null : Math.max(0, life.freshFor - passed);
  return {
    state: freshFor === 0 ? 'in grace' : 'fresh',
    // The clocks of Redis and of this computer may differ.
    age: Math.max(0, (now - Date.parse(life.storedAt)) / 1000),
    freshFor,
    graceLeft: Math.min(left, life.graceSeconds ?? 0),
  };
}

/** The API reads at most this much of a value. */
const MAX_READ_BYTES = 64 * 1024;

/** The form in which the value is stored, as far as the answer shows it. */
export function describeStorage(detail: KeyDetail): string {
  if (isChunked(detail)) return `in ${detail.length - 1} chunks`;
  if (detail.type !== 'string') return `${detail.encoding}, as Redis encodes it`;
  if (!detail.truncated) return 'plain, not compressed';

  // A value that is cut although less than the limit is stored was longer before it was compressed.
  const isCompressed = detail.length <= MAX_READ_BYTES;
  return isCompressed ? 'compressed (LZ4)' : 'too large to read in full; plain or compressed';
}

/** A value of the library that is too large for a string; one element stands before its chunks. */
export function isChunked({ type, storedAt }: Pick<KeyDetail, 'type' | 'storedAt'>): boolean {
  return type === 'list' && storedAt !== null;
}

/** `lock` was read so many seconds ago; null if it was free. */
export function describeLock(lock: LoadLock | null, passed: number): string {
  if (lock === null) return 'free: no load in flight';

  const left = formatSeconds(Math.max(0, Math.ceil(lock.secondsLeft - passed)));
  if (lock.state === 'failed') return `a load failed: nobody tries again for ${left}`;
  return `held by a load in flight: the lease ends in ${left}`;
}
