// The history behind the charts: one row of numbers for each look at the statistics.
import type { Stats } from '../api/types';

/** Columns of equal length; seconds since 1970 first. A null is a gap. */
export interface Samples {
  at: number[];
  hitRate: (number | null)[];
  recentHitRate: (number | null)[];
  memory: (number | null)[];
  ops: (number | null)[];
  latency: (number | null)[];
  /** The counters of the last sample, for what came since. */
  hits: number;
  misses: number;
}

/** A day at one sample each 5 s. */
const MOST = 17_280;
/** Samples further apart than this, in seconds, are not joined by a line: the page was hidden, or Redis away. */
const GAP = 20;

export function emptySamples(): Samples {
  return { at: [], hitRate: [], recentHitRate: [], memory: [], ops: [], latency: [], hits: 0, misses: 0 };
}

export function append(samples: Samples, stats: Stats, nowMs: number): Samples {
  const at = nowMs / 1000;
  const last = samples.at.at(-1);
  const broken = last !== undefined && at - last > GAP;
  const begun = broken ? gap(samples, (last + at) / 2) : samples;
  const add = (column: (number | null)[], value: number | null): (number | null)[] => [...column, value].slice(-MOST);
  return {
    at: [...begun.at, at].slice(-MOST),
    hitRate: add(begun.hitRate, stats.hitRatio === null ? null : stats.hitRatio * 100),
    recentHitRate: add(begun.recentHitRate, last === undefined || broken ? null : recent(samples, stats)),
    memory: add(begun.memory, stats.memoryBytes),
    ops: add(begun.ops, stats.opsPerSec),
    latency: add(begun.latency, stats.latencyMs),
    hits: stats.hits,
    misses: stats.misses,
  };
}

/** Percent of the look-ups since the last sample that found their key; null where there was none, or Redis restarted. */
function recent(samples: Samples, stats: Stats): number | null {
  const [hits, misses] = [stats.hits - samples.hits, stats.misses - samples.misses];
  return hits < 0 || misses < 0 || hits + misses === 0 ? null : (hits / (hits + misses)) * 100;
}

function gap(samples: Samples, at: number): Samples {
  return {
    ...samples,
    at: [...samples.at, at],
    hitRate: [...samples.hitRate, null],
    recentHitRate: [...samples.recentHitRate, null],
    memory: [...samples.memory, null],
    ops: [...samples.ops, null],
    latency: [...samples.latency, null],
  };
}

/** Least, greatest and last of what is known. */
export function extent(column: readonly (number | null)[]): { least: number; most: number; last: number } | null {
  const known = column.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return null;
  return { least: known.reduce((a, b) => Math.min(a, b)), most: known.reduce((a, b) => Math.max(a, b)), last };
}
