// The current health and statistics of the cache, polled, and the history of the statistics since the page was opened.
import { computed, effect, type Signal, signal } from '@preact/signals';
import * as api from '../api/endpoints';
import { asProblem, isAborted, type Problem } from '../api/problem';
import { role, token } from '../api/session';
import type { Health, Stats } from '../api/types';
import { poll } from './poll';
import { appendSample, emptySamples, type Samples } from './samples';

const STATS_EVERY_MS = 5_000;
const HEALTH_EVERY_MS = 10_000;
const TICK_MS = 1_000;

/** The last value that was read, and when; the problem of the last attempt when it failed. */
export interface Live<T> {
  value: T | null;
  at: number;
  problem: Problem | null;
}

const NOTHING = { value: null, at: 0, problem: null };
export const health = signal<Live<Health>>(NOTHING);
export const stats = signal<Live<Stats>>(NOTHING);
export const samples = signal<Samples>(emptySamples());
/** The time in milliseconds since 1970, updated each second. Everything that counts seconds reads it. */
export const now = signal(Date.now());

/**
 * True once the role is known, or an answer has failed to report it. Views wait for this before they send a request
 * that the role may forbid, because a denied attempt is recorded in the audit trail.
 */
export const roleSettled = computed(() => role.value !== null || stats.value.at > 0 || stats.value.problem !== null);

export function refreshStats(abort?: AbortSignal): Promise<void> {
  return refresh(
    stats,
    () => api.getStats(abort),
    (value) => {
      samples.value = appendSample(samples.peek(), value, Date.now());
    },
  );
}

export function refreshHealth(abort?: AbortSignal): Promise<void> {
  return refresh(health, () => api.getHealth(abort));
}

/** Reads a value. A failure keeps the last one. */
async function refresh<T>(live: Signal<Live<T>>, read: () => Promise<T>, then?: (value: T) => void): Promise<void> {
  try {
    const value = await read();
    live.value = { value, at: Date.now(), problem: null };
    then?.(value);
  } catch (error) {
    if (!isAborted(error)) live.value = { ...live.peek(), problem: asProblem(error) };
  }
}

/** Starts polling: health always, statistics while there is a token. */
export function startPolling(): void {
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, TICK_MS);

  const redisDown = computed(() => stats.value.problem?.redisDown === true);
  effect(() => {
    // Polling restarts when the statistics notice that Redis went down or came back, so that health soon agrees.
    void redisDown.value;
    return poll(refreshHealth, HEALTH_EVERY_MS);
  });

  effect(() => {
    if (token.value === '') {
      stats.value = NOTHING;
      samples.value = emptySamples();
      return undefined;
    }
    return poll(refreshStats, STATS_EVERY_MS);
  });
}
