// The history behind the charts: one sample for each refresh of the statistics.
import type { Stats } from '../api/types';

type Column = (number | null)[];

/** Columns of equal length. A null is a gap. */
export interface Samples {
  /** Seconds since 1970. */
  at: number[];
  hitRate: Column;
  recentHitRate: Column;
  memory: Column;
  ops: Column;
  latency: Column;
  /** The counters of the last sample, from which the next recent hit rate is computed. */
  hits: number | null;
  misses: number | null;
}

/** A day at one sample every 5 s. */
const MAX_SAMPLES = 17_280;
/** Samples further apart are not joined by a line: the page was hidden, or Redis was down. */
const MAX_JOINED_SECONDS = 20;

export function emptySamples(): Samples {
  return { at: [], hitRate: [], recentHitRate: [], memory: [], ops: [], latency: [], hits: null, misses: null };
}

export function appendSample(samples: Samples, stats: Stats, nowMs: number): Samples {
  const at = nowMs / 1000;
  const lastAt = samples.at.at(-1);
  const afterGap = lastAt !== undefined && at - lastAt > MAX_JOINED_SECONDS;
  const before = afterGap ? appendGap(samples, (lastAt + at) / 2) : samples;

  const append = (column: Column, value: number | null): Column => [...column, value].slice(-MAX_SAMPLES);
  return {
    at: [...before.at, at].slice(-MAX_SAMPLES),
    hitRate: append(before.hitRate, toPercent(stats.hitRateWindow?.ratio)),
    recentHitRate: append(
      before.recentHitRate,
      lastAt === undefined || afterGap ? null : recentHitRate(samples, stats),
    ),
    memory: append(before.memory, stats.memoryBytes),
    ops: append(before.ops, stats.opsPerSec),
    latency: append(before.latency, stats.latencyMs),
    hits: stats.hits,
    misses: stats.misses,
  };
}

function toPercent(ratio: number | null | undefined): number | null {
  return ratio === null || ratio === undefined ? null : ratio * 100;
}

/** Percent of hits among the lookups since the last sample; null when there were none, or Redis restarted. */
function recentHitRate(samples: Samples, stats: Stats): number | null {
  if (stats.hits === null || stats.misses === null || samples.hits === null || samples.misses === null) return null;

  const hits = stats.hits - samples.hits;
  const misses = stats.misses - samples.misses;
  const restarted = hits < 0 || misses < 0;
  return restarted || hits + misses === 0 ? null : (hits / (hits + misses)) * 100;
}

function appendGap(samples: Samples, at: number): Samples {
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

/** The least, the greatest and the last known value; null when none is known. */
export function rangeOf(column: readonly (number | null)[]): { min: number; max: number; last: number } | null {
  const known = column.filter((value) => value !== null);
  const last = known.at(-1);
  if (last === undefined) return null;

  // Not Math.min(...known): a day of samples would be too many arguments.
  const min = known.reduce((one, other) => Math.min(one, other));
  const max = known.reduce((one, other) => Math.max(one, other));
  return { min, max, last };
}
