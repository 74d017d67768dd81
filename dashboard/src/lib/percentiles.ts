// Calls summed up by operation.
import type { ApiCall } from '../state/calls';

export interface Summary {
  operation: string;
  calls: number;
  median: number;
  p95: number;
  /** Medians over the calls that were told about Redis; null where none was. */
  redisMs: number | null;
  trips: number | null;
}

/** The smallest value that at least this share of the values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? Number.NaN;
}

export function summarise(calls: readonly ApiCall[]): Summary[] {
  const groups = new Map<string, ApiCall[]>();
  for (const call of calls) {
    if (call.totalMs === null || call.failure !== '') continue;
    const operation = `${call.method} ${operationOf(call.url)}`;
    groups.set(operation, [...(groups.get(operation) ?? []), call]);
  }
  const rows = [...groups].map(([operation, group]) => {
    const took = group.map((call) => call.totalMs ?? 0);
    const told = group.flatMap((call) => call.redis ?? []);
    return {
      operation,
      calls: group.length,
      median: quantile(took, 0.5),
      p95: quantile(took, 0.95),
      redisMs: median(told.map((redis) => redis.ms)),
      trips: median(told.map((redis) => redis.trips)),
    };
  });
  return rows.sort((a, b) => b.median - a.median);
}

function median(values: readonly number[]): number | null {
  return values.length === 0 ? null : quantile(values, 0.5);
}

/** The path without what varies: the query, and the name of a key. */
export function operationOf(url: string): string {
  const [path = ''] = url.replace('/api/cache', '').split('?');
  return path.replace(/^\/keys\/.*/, '/keys/{key}');
}
