// Sorting of what is loaded.
import type { Row } from './walk';

export type Column = 'key' | 'type' | 'ttl' | 'size';

export interface Order {
  /** Null: as loaded, which is the order of Redis' own table. */
  by: Column | null;
  down: boolean;
}

export const COLUMNS: readonly { name: Column; label: string }[] = [
  { name: 'key', label: 'Key' },
  { name: 'type', label: 'Type' },
  { name: 'ttl', label: 'TTL' },
  { name: 'size', label: 'Size' },
];

/** A column's first click sorts upwards, for sizes downwards; its second turns that around; its third undoes it. */
export function nextOrder(order: Order, by: Column): Order {
  const first = by === 'size';
  if (order.by !== by) return { by, down: first };
  return order.down === first ? { by, down: !first } : { by: null, down: false };
}

export function sorted(rows: readonly Row[], { by, down }: Order): readonly Row[] {
  if (by === null) return rows;
  const sign = down ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(a, b, by) || (a.key < b.key ? -1 : 1));
}

function compare(a: Row, b: Row, by: Column): number {
  if (by === 'ttl') return expiresAt(a) - expiresAt(b) || 0;
  if (by === 'size') return (a.sizeBytes ?? -1) - (b.sizeBytes ?? -1);
  return a[by] < b[by] ? -1 : a[by] > b[by] ? 1 : 0;
}

/** Milliseconds since 1970; what never expires comes after all else. */
function expiresAt(row: Row): number {
  return row.ttl < 0 ? Number.MAX_SAFE_INTEGER : row.seenAt + row.ttl * 1000;
}

/** Seconds left now, -1 for ever. */
export function left(ttl: number, seenAt: number, now: number): number {
  return ttl < 0 ? ttl : Math.max(0, ttl - Math.floor((now - seenAt) / 1000));
}
