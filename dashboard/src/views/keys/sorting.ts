// Sorting of the loaded rows, and the times they are sorted and shown by.
import { formatTtl } from '../../lib/format';
import type { Row } from './walk';

export type Column = 'key' | 'node' | 'type' | 'ttl' | 'size';

export interface SortOrder {
  /** Null for the order of loading, which is that of Redis' own table. */
  by: Column | null;
  descending: boolean;
}

export const UNSORTED: SortOrder = { by: null, descending: false };

export const COLUMNS: readonly { name: Column; label: string }[] = [
  { name: 'type', label: 'Type' },
  { name: 'key', label: 'Key' },
  { name: 'node', label: 'Node' },
  { name: 'ttl', label: 'TTL' },
  { name: 'size', label: 'Size' },
];

/** The columns of a list; only that of a Cluster has nodes. */
export function columnsOf(hasNodes: boolean): typeof COLUMNS {
  return COLUMNS.filter(({ name }) => hasNodes || name !== 'node');
}

/** The order of a column's first click: the largest size first, everything else ascending. */
export function firstOrder(by: Column): SortOrder {
  return { by, descending: by === 'size' };
}

/** The order after a click on a column: its second click reverses the order, its third removes it. */
export function nextOrder(order: SortOrder, by: Column): SortOrder {
  const first = firstOrder(by);
  if (order.by !== by) return first;
  return order.descending === first.descending ? { by, descending: !first.descending } : UNSORTED;
}

export function sortRows(rows: readonly Row[], { by, descending }: SortOrder): readonly Row[] {
  if (by === null) return rows;
  const sign = descending ? -1 : 1;
  return [...rows].sort((one, other) => sign * compare(one, other, by) || (one.key < other.key ? -1 : 1));
}

function compare(one: Row, other: Row, by: Column): number {
  if (by === 'ttl') return expiresAt(one) - expiresAt(other) || 0;
  if (by === 'size') return (one.sizeBytes ?? -1) - (other.sizeBytes ?? -1);
  const [a = '', b = ''] = [one[by], other[by]];
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Milliseconds since 1970. Keys that never expire come last. */
function expiresAt({ ttl, readAt }: Row): number {
  return ttl < 0 ? Number.MAX_SAFE_INTEGER : readAt + ttl * 1000;
}

/** True for a value past its TTL that is still served in its grace. */
export function isStale(row: Pick<Row, 'stale' | 'freshFor' | 'ttl' | 'readAt'>, now: number): boolean {
  const { stale, freshFor, ttl, readAt } = row;
  if (secondsLeft(ttl, readAt, now) <= 0) return false;

  const hasGrace = freshFor !== null && freshFor < ttl;
  return stale || (hasGrace && secondsLeft(freshFor, readAt, now) === 0);
}

/** Formats the remaining time; the application's own text is exact where a JavaScript number is not. */
export function formatTimeLeft({ ttlText }: { ttlText?: string }, seconds: number): string {
  return ttlText === undefined ? formatTtl(seconds) : `${ttlText} s`;
}

/** Seconds until a TTL that was read at `readAt` ends; -1 for a key that never expires. */
export function secondsLeft(ttl: number, readAt: number, now: number): number {
  return ttl < 0 ? ttl : Math.max(0, ttl - Math.floor((now - readAt) / 1000));
}
