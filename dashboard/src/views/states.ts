// States of Redis that are named before their figures are looked at: writes are refused, or it restarted and is cold.
import type { FindingKind, Health, Stats } from '../api/types';

export interface RefusedWrites {
  title: string;
  /** The application's own words. */
  cause: string;
  remedy: string;
  /** Clearing works and helps. */
  canClear: boolean;
}

/** The findings of the health check that mean refused writes, with a title and a remedy for each. */
const REFUSALS: Partial<Record<FindingKind, [title: string, remedy: string]>> = {
  'memory-full': ['Writes are refused: memory is full', 'Lookups and clears still work.'],
  replica: ['Writes are refused: this Redis is a replica', 'Point redis_host at the primary, or promote this replica.'],
  'cannot-save': [
    'Writes are refused: Redis cannot save to disk',
    'Free disk space or repair the directory of its snapshots (MISCONF); writes resume after a save that succeeds.',
  ],
  'too-few-replicas': [
    'Writes are refused: too few replicas',
    'Bring the replicas back, or lower min-replicas-to-write.',
  ],
  'no-right-to-write': [
    'Writes are refused: the Redis user lacks rights',
    'Grant the user of this application the rights that SECURITY.md lists.',
  ],
};

/** The reason that Redis, which answers, refuses writes; null when it takes them. */
export function refusedWrites(health: Health | null): RefusedWrites | null {
  for (const { kind, reason } of health?.redis.findings ?? []) {
    const known = REFUSALS[kind];
    if (known === undefined) continue;
    const [title, remedy] = known;
    return { title, cause: reason, remedy, canClear: kind === 'memory-full' };
  }
  return null;
}

/** A restart is news for so long. */
const RECENT_SECONDS = 600;
/** A cache with fewer keys than this, or than this share of those before, is cold. */
const COLD_KEYS = 100;
const COLD_SHARE = 0.5;

/** True after a restart, while the cache has few keys. `before` is the number of keys before; null if it is unknown. */
export function isCold(
  { uptimeSeconds, keyCount }: Pick<Stats, 'uptimeSeconds' | 'keyCount'>,
  before: number | null,
): boolean {
  if (uptimeSeconds === null || uptimeSeconds > RECENT_SECONDS) return false;
  return keyCount < Math.max(COLD_KEYS, (before ?? 0) * COLD_SHARE);
}

/** True when the banner about full memory has all that the health check found. */
export function isMemoryAlone(health: Health | null): boolean {
  const findings = health?.redis.findings ?? [];
  const isOfMemory = ({ kind }: { kind: FindingKind }) => kind === 'memory-full' || kind === 'memory-high';
  return refusedWrites(health)?.canClear === true && findings.every(isOfMemory);
}
