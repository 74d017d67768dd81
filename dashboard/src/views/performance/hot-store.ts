// The keys that services look up most, of a window that ends now. Polled while they are shown.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { HotKeys } from '../../api/types';
import { poll } from '../../state/poll';

const EVERY_MS = 30_000;

/** The windows to choose from, in minutes. */
export const WINDOWS: readonly (readonly [minutes: number, label: string])[] = [
  [5, '5 min'],
  [60, '1 h'],
  [1440, '24 h'],
];

export const hotKeys = signal<HotKeys | null>(null);
export const hotProblem = signal<Problem | null>(null);

onSignOut(() => {
  hotKeys.value = null;
  hotProblem.value = null;
});

/** Reads the window again and again. Returns a function that stops. */
export function watchHotKeys(minutes: number): () => void {
  return poll((abort) => read(minutes, abort), EVERY_MS);
}

async function read(minutes: number, abort: AbortSignal): Promise<void> {
  try {
    hotKeys.value = await api.getHotKeys({ minutes }, abort);
    hotProblem.value = null;
  } catch (error) {
    if (!isAborted(error)) hotProblem.value = asProblem(error);
  }
}
