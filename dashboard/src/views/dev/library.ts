// A key as the cache library sees it: the value, what is kept beside it, and the lock of whoever loads it.
import * as api from '../../api/endpoints';
import { asProblem } from '../../api/problem';
import type { KeyDetail, TtlTable } from '../../api/types';
import { entryFor } from '../../lib/ttl-table';
import { keyPath } from '../../lib/pattern';

/** What the library keeps beside a key it stored, times in ms. */
export interface Companion {
  life: number;
  grace: number;
  load: number;
  chunks: number;
}

export interface Seen {
  detail: KeyDetail;
  seenAt: number;
  companion: Companion | null;
  /** Seconds the lock still has; null where nobody holds it. */
  lockLeft: number | null;
  rule: TtlTable[number] | null;
}

export async function look(key: string): Promise<Seen> {
  const beside = (name: string): Promise<KeyDetail | null> => absent(api.inspect(keyPath(name)));
  const [detail, meta, lock, table] = await Promise.all([
    api.inspect(keyPath(key)),
    beside(`cache:meta:{${key}}`),
    beside(`lock:{${key}}`),
    api.ttlTable().catch(() => []),
  ]);
  return {
    detail,
    seenAt: Date.now(),
    companion: meta === null ? null : companionOf(meta),
    lockLeft: lock === null ? null : lock.ttl,
    rule: entryFor(key, table),
  };
}

async function absent(read: Promise<KeyDetail>): Promise<KeyDetail | null> {
  try {
    return await read;
  } catch (error) {
    if (asProblem(error).status === 404) return null;
    throw error;
  }
}

/** Null where the fields are not those of a stored value: a key that was only tagged has tags alone. */
export function companionOf(meta: KeyDetail): Companion | null {
  if (!Array.isArray(meta.value)) return null;
  const fields = new Map<string, string>();
  for (const element of meta.value) {
    if (
      typeof element === 'object' &&
      'field' in element &&
      typeof element.field === 'string' &&
      typeof element.value === 'string'
    ) {
      fields.set(element.field, element.value);
    }
  }
  const number = (name: string): number => Number(fields.get(name) ?? Number.NaN);
  const life = number('life');
  if (Number.isNaN(life)) return null;
  return {
    life,
    grace: number('grace') || 0,
    load: number('load') || 0,
    chunks: Number(fields.get('chunks')?.split(' ')[1] ?? 0),
  };
}

export interface Freshness {
  state: 'fresh' | 'in grace' | 'unknown' | 'expired';
  /** Seconds; null where that is not known. */
  age: number | null;
  freshLeft: number | null;
  graceLeft: number | null;
}

/** How a look-up would find the value `passed` seconds after it was seen. */
export function freshness(ttl: number, companion: Companion | null, passed: number): Freshness {
  if (ttl >= 0 && ttl - passed <= 0) return { state: 'expired', age: null, freshLeft: null, graceLeft: null };
  if (companion === null || ttl < 0) return { state: 'unknown', age: null, freshLeft: null, graceLeft: null };
  const left = ttl - passed;
  const [life, grace] = [companion.life / 1000, companion.grace / 1000];
  const fresh = left - grace;
  return {
    state: fresh > 0 ? 'fresh' : 'in grace',
    age: Math.max(0, life - left),
    freshLeft: Math.max(0, fresh),
    graceLeft: Math.min(left, grace),
  };
}

const READ_AT_MOST = 64 * 1024;

/** How the value is stored, as far as the answer shows it. */
export function storage(detail: KeyDetail, companion: Companion | null): string {
  if (detail.type !== 'string') return `${detail.encoding}, as Redis keeps it`;
  if (companion !== null && companion.chunks > 0) return `in ${companion.chunks} chunks`;
  if (detail.truncated && detail.length <= READ_AT_MOST) return 'compressed (LZ4)';
  return detail.truncated ? 'larger than what is read of it; plain or compressed' : 'plain, not compressed';
}
