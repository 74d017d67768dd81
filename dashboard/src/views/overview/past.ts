// The history that the overview shows, polled while it is visible: the last hour by modules, and the chosen range.
import { signal, type Signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { History, HistoryQuery } from '../../api/types';
import { poll } from '../../state/poll';
import { BEFORE_MS, WINDOW_MS } from './lookups';
import type { Range } from './ranges';

const RECENT_EVERY_MS = 15_000;
const RANGE_EVERY_MS = 60_000;
/** Rows that began before the hour, so that the comparison is complete. */
const MARGIN_MS = 60_000;

/** The last hour and five minutes by minutes, with modules; null until it is read. */
export const recent = signal<History | null>(null);
/** The chosen range, when it is longer than an hour; null until it is read. */
export const past = signal<History | null>(null);
export const problem = signal<Problem | null>(null);

onSignOut(() => {
  recent.value = null;
  past.value = null;
  problem.value = null;
});

/** Reads the last hour again and again. Returns a function that stops. */
export function watchRecent(): () => void {
  const query = (): HistoryQuery => ({
    from: new Date(Date.now() - WINDOW_MS - BEFORE_MS - MARGIN_MS).toISOString(),
    step: 60,
    by: 'modules',
  });
  return poll((abort) => read(recent, query(), abort), RECENT_EVERY_MS);
}

/** True for a range that is a part of the last hour. */
export function isRecent({ seconds, window }: Range): boolean {
  return window === undefined && seconds * 1000 <= BEFORE_MS;
}

/** Reads a longer range, or a window of the past, again and again. Returns a function that stops. */
export function watchRange(range: Range): () => void {
  past.value = null;
  const query = (): HistoryQuery => ({
    from: new Date(range.window?.from ?? Date.now() - range.seconds * 1000).toISOString(),
    ...(range.window && { to: new Date(range.window.to).toISOString() }),
    step: range.stepSeconds,
    by: 'modules',
  });
  return poll((abort) => read(past, query(), abort), RANGE_EVERY_MS);
}

async function read(target: Signal<History | null>, query: HistoryQuery, abort: AbortSignal): Promise<void> {
  try {
    target.value = await api.getHistory(query, abort);
    problem.value = null;
  } catch (error) {
    if (!isAborted(error)) problem.value = asProblem(error);
  }
}

/** The rows and marks of a range: those of the last hour, or the range's own. */
export function historyOf(range: Range): History | null {
  if (!isRecent(range)) return past.value;
  const { value } = recent;
  if (value === null) return null;

  const from = Date.parse(value.to) - range.seconds * 1000;
  const isInRange = ({ at }: { at: string }): boolean => Date.parse(at) >= from;
  return {
    ...value,
    from: new Date(from).toISOString(),
    rows: value.rows.filter(isInRange),
    marks: value.marks.filter(isInRange),
  };
}
