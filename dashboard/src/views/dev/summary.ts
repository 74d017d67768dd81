// Calls to the API summed up by operation.
import type { ApiCall } from '../../api/calls';

export interface Summary {
  operation: string;
  calls: number;
  medianMs: number;
  p95Ms: number;
  /** Medians of the calls that report their cost in Redis; null when none does. */
  redisMs: number | null;
  roundTrips: number | null;
}

/** The smallest of the values that is not exceeded by at least this share of them. */
export function quantile(values: readonly number[], share: number): number {
  const ordered = [...values].sort((one, other) => one - other);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? Number.NaN;
}

function median(values: readonly number[]): number | null {
  return values.length === 0 ? null : quantile(values, 0.5);
}

/** One summary for each operation, the slowest median first. Calls that failed or have not ended are left out. */
export function summarise(calls: readonly ApiCall[]): Summary[] {
  const groups = new Map<string, ApiCall[]>();
  for (const call of calls) {
    if (call.totalMs === null || call.failure !== '') continue;
    const operation = `${call.method} ${operationOf(call.url)}`;
    groups.set(operation, [...(groups.get(operation) ?? []), call]);
  }

  const summaries = [...groups].map(([operation, group]) => summariseGroup(operation, group));
  return summaries.sort((one, other) => other.medianMs - one.medianMs);
}

function summariseGroup(operation: string, calls: readonly ApiCall[]): Summary {
  const times = calls.map((call) => call.totalMs ?? 0);
  const costs = calls.flatMap((call) => call.redis ?? []);

  return {
    operation,
    calls: calls.length,
    medianMs: quantile(times, 0.5),
    p95Ms: quantile(times, 0.95),
    redisMs: median(costs.map((cost) => cost.ms)),
    roundTrips: median(costs.map((cost) => cost.roundTrips)),
  };
}

/** The path without its variable parts: the query, and the name of a key. */
export function operationOf(url: string): string {
  const [path = ''] = url.replace('/api/cache', '').split('?');
  return path.replace(/^\/keys\/.*/, '/keys/{key}');
}
