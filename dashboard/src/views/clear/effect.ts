// The effect of a removal before it happens: its share of the keyspace, the prefixes it concerns, and its size in memory.
import type { KeyRow } from '../../api/types';
import { formatBytes, formatMilliseconds, formatPercent } from '../../lib/format';
import { type NamedKey, partsOf } from '../../lib/key-name';

/** From so many keys on, or from this share of the keyspace, the number of keys is typed as a confirmation. */
const LARGE_KEYS = 10_000;
const LARGE_SHARE = 0.5;
/** A share of fewer keys is not a reason to ask. */
const MIN_SHARE_KEYS = 100;
/** From so many keys on, a removal is offered as a job. */
const JOB_KEYS = 10_000;

/** Smaller shares are not told apart. */
const LEAST_SHARE = 0.001;

const MAX_PREFIXES = 5;
const MAX_DEPTH = 4;

export interface PrefixShare {
  prefix: string;
  /** Of the sampled keys, 0 to 1. */
  share: number;
}

export function needsTypedCount(count: number, share: number | null): boolean {
  return count >= LARGE_KEYS || (count >= MIN_SHARE_KEYS && share !== null && share > LARGE_SHARE);
}

export function isLongRemoval(count: number): boolean {
  return count >= JOB_KEYS;
}

/** The most frequent beginnings of the names, up to a colon: as long as they still group the names. */
export function prefixesOf(names: readonly NamedKey[]): PrefixShare[] {
  let counts = countPrefixes(names, 1);

  for (let depth = 2; counts.size === 1 && depth <= MAX_DEPTH; depth += 1) {
    const deeper = countPrefixes(names, depth);
    if (deeper.size > names.length / 2) break;
    counts = deeper;
  }
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MAX_PREFIXES)
    .map(([prefix, keys]) => ({ prefix, share: keys / names.length }));
}

function countPrefixes(names: readonly NamedKey[], depth: number): Map<string, number> {
  const counts = new Map<string, number>();

  for (const name of names) {
    const parts = partsOf(name).map(({ text }) => text);
    const prefix = parts.length > depth ? `${parts.slice(0, depth).join(':')}:` : name.key;
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
  }
  return counts;
}

/** The memory of all keys, from the average of a sample; null when it is not known. */
export function estimateBytes(rows: readonly Pick<KeyRow, 'sizeBytes'>[], count: number): number | null {
  const sizes = rows.map(({ sizeBytes }) => sizeBytes).filter((size) => size !== null);
  if (sizes.length === 0) return null;
  return (sizes.reduce((sum, size) => sum + size, 0) / sizes.length) * count;
}

interface Effect {
  share: number | null;
  isShareExact: boolean;
  bytes: number | null;
  reloadMs: number | null;
}

/** `about 12.4 % of all keys · about 24.3 MB of memory · about 2m 5s of loading`; '' when nothing is known. */
export function describeEffect({ share, isShareExact, bytes, reloadMs }: Effect): string {
  const parts = [
    share !== null && describeShare(share, isShareExact),
    bytes !== null && `about ${formatBytes(Math.round(bytes))} of memory`,
    reloadMs !== null && `about ${formatMilliseconds(reloadMs)} of loading`,
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

function describeShare(share: number, isExact: boolean): string {
  if (share < LEAST_SHARE) return `less than ${formatPercent(LEAST_SHARE)} of all keys`;
  return `${isExact ? '' : 'about '}${formatPercent(share)} of all keys`;
}

/** Patterns that a text without wildcards may have meant: it matches only the key of that name. */
export function patternsMeant(text: string): string[] {
  if (text === '' || /[*?[\\]/.test(text)) return [];
  const prefix = text.endsWith(':') ? text : `${text}:`;
  return [`${prefix}*`, `*${text}*`];
}
