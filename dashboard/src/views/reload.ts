// The time that services would need to load keys again, from the loads that the history counts by module.
import * as api from '../api/endpoints';
import type { HistoryRow } from '../api/types';
import { averageLoadMs, sumOf } from './overview/lookups';

const HOUR_SECONDS = 3600;
/** Rows of an hour: enough of them that the first, which begins before, hardly matters. */
const ROWS_OF_HOUR = 12;

/** The lookups of the last hours by modules; none when they cannot be read. */
export async function recentLoads(hours: number): Promise<readonly HistoryRow[]> {
  const from = new Date(Date.now() - hours * HOUR_SECONDS * 1000).toISOString();
  const step = hours > 1 ? HOUR_SECONDS : HOUR_SECONDS / ROWS_OF_HOUR;
  const history = await api.getHistory({ from, step, by: 'modules' }).catch(() => null);
  return history?.rows ?? [];
}

/**
 * The time that services need to load all keys again, from the average load of each module in these rows; null when no load
 * of them is known.
 */
export function estimateReloadMs(
  prefixes: readonly { prefix: string; share: number }[],
  count: number,
  rows: readonly HistoryRow[],
): number | null {
  let known = 0;
  let averageMs = 0;

  for (const { prefix, share } of prefixes) {
    const module = prefix.split(':')[0] ?? '';
    const lookups = rows.flatMap(({ modules = [] }) => modules.filter((row) => row.module === module));
    const loadMs = averageLoadMs(sumOf(lookups));
    if (loadMs === null) continue;
    known += share;
    averageMs += share * loadMs;
  }
  return known === 0 ? null : (averageMs / known) * count;
}
