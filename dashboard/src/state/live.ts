// What the whole page knows of the cache right now: health, statistics, and their history since it was opened.
import { computed, effect, signal } from '@preact/signals';
import * as api from '../api/endpoints';
import { asProblem, isAborted, type Problem } from '../api/problem';
import type { Health, Stats } from '../api/types';
import { append, type Samples, emptySamples } from '../lib/samples';
import { poll } from './poll';
import { role, token } from './session';

const STATS_EVERY_MS = 5_000;
const HEALTH_EVERY_MS = 10_000;

/** The last good value and when it came; and the problem, if the last attempt had one. */
export interface Live<T> {
  value: T | null;
  at: number;
  problem: Problem | null;
}

const nothing = { value: null, at: 0, problem: null };
export const health = signal<Live<Health>>(nothing);
export const stats = signal<Live<Stats>>(nothing);
export const samples = signal<Samples>(emptySamples());
/** Whether the application had its chance to tell the token's role. To ask for more than the role allows is on record. */
export const roleTold = computed(() => role.value !== null || stats.value.at > 0 || stats.value.problem !== null);
/** Milliseconds since 1970, each second: what ticks on the page reads this. */
export const now = signal(Date.now());

export function refreshStats(abort?: AbortSignal): Promise<void> {
  return take(
    stats,
    () => api.stats(abort),
    (value) => {
      samples.value = append(samples.peek(), value, Date.now());
    },
  );
}

export function refreshHealth(abort?: AbortSignal): Promise<void> {
  return take(health, () => api.health(abort));
}

async function take<T>(
  live: { value: Live<T>; peek: () => Live<T> },
  ask: () => Promise<T>,
  then?: (value: T) => void,
) {
  try {
    const value = await ask();
    live.value = { value, at: Date.now(), problem: null };
    then?.(value);
  } catch (error) {
    if (!isAborted(error)) live.value = { ...live.peek(), problem: asProblem(error) };
  }
}

/** Starts all that repeats itself; statistics whenever there is a token. */
export function startLive(): void {
  const redisDown = computed(() => stats.value.problem?.redisDown === true);
  effect(() => {
    // At once when the statistics notice that Redis went or came back: the two must not contradict each other for long.
    void redisDown.value;
    return poll(refreshHealth, HEALTH_EVERY_MS);
  });
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1000);
  effect(() => {
    if (token.value === '') {
      stats.value = nothing;
      samples.value = emptySamples();
      return undefined;
    }
    return poll(refreshStats, STATS_EVERY_MS);
  });
}
