import { describe, expect, test } from 'vitest';
import type { Stats } from '../../src/api/types';
import { appendSample, emptySamples, rangeOf, type Samples } from '../../src/state/samples';

const DAY_OF_SAMPLES = 17_280;

const statsWith = (changes: Partial<Stats>): Stats =>
  ({ hits: 0, misses: 0, hitRateWindow: null, memoryBytes: 1, opsPerSec: 2, latencyMs: 3, ...changes }) as Stats;

const hitRateOf = (ratio: number): Stats['hitRateWindow'] => ({
  rate: `${(ratio * 100).toFixed(1)}%`,
  ratio,
  lookups: 1000,
  seconds: 300,
  source: 'services',
});

/** Samples of the statistics given, 5 s apart. */
const samplesOf = (...stats: Partial<Stats>[]): Samples =>
  stats.reduce<Samples>((samples, change, n) => appendSample(samples, statsWith(change), n * 5_000), emptySamples());

describe('samples', () => {
  test('the recent hit rate counts lookups since the previous sample', () => {
    const samples = samplesOf(
      { hits: 90, misses: 10, hitRateWindow: hitRateOf(0.9) },
      { hits: 91, misses: 13, hitRateWindow: hitRateOf(0.875) },
    );

    expect(samples.at).toEqual([0, 5]);
    expect(samples.hitRate).toEqual([90, 87.5]);
    expect(samples.recentHitRate).toEqual([null, 25]);
  });

  test('figures that Redis does not report are gaps', () => {
    const samples = samplesOf(
      { hits: 90, misses: 10 },
      { hits: null, misses: null, memoryBytes: null },
      { hits: 5, misses: 5 },
    );

    expect(samples.memory).toEqual([1, null, 1]);
    expect(samples.recentHitRate).toEqual([null, null, null]);
  });

  test('a restart of Redis gives no negative hit rate', () => {
    const samples = samplesOf({ hits: 90, misses: 10 }, { hits: 1, misses: 0 });

    expect(samples.recentHitRate.at(-1)).toBeNull();
  });

  test('a long time without a sample is a gap', () => {
    const samples = appendSample(samplesOf({}), statsWith({}), 600_000);

    expect(samples.at).toEqual([0, 300, 600]);
    expect(samples.memory).toEqual([1, null, 1]);
  });

  test('a day of samples is kept', () => {
    const column = Array.from({ length: DAY_OF_SAMPLES }, (_, n) => n * 5);
    const columns = { hitRate: column, recentHitRate: column, memory: column, ops: column, latency: column };
    const full = { ...emptySamples(), at: column, ...columns };

    const samples = appendSample(full, statsWith({}), DAY_OF_SAMPLES * 5000);

    expect(samples.at).toHaveLength(DAY_OF_SAMPLES);
    expect(samples.at[0]).toBe(5);
    expect(samples.memory).toHaveLength(DAY_OF_SAMPLES);
    expect(samples.memory.at(-1)).toBe(1);
  });
});

describe('the range of a column', () => {
  test('gaps are left out', () => expect(rangeOf([3, null, 1, 2, null])).toEqual({ min: 1, max: 3, last: 2 }));

  test('a column of gaps has none', () => expect(rangeOf([null])).toBeNull());
});
