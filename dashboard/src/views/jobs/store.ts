// The loaded jobs, newest first. The first page is read again and again while the list is visible.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { Job, JobState } from '../../api/types';
import { poll } from '../../state/poll';
import { mergePage } from './describe';

const PAGE_JOBS = 50;
const REFRESH_MS = 2_000;

/** Null until the first page is read. */
export const jobs = signal<readonly Job[] | null>(null);
export const total = signal(0);
export const problem = signal<Problem | null>(null);
export const busy = signal(false);
/** Where older jobs begin; null when all are loaded. */
export const olderFrom = signal<string | null>(null);

let filter: JobState | undefined;

function reset(): void {
  jobs.value = null;
  total.value = 0;
  problem.value = null;
  olderFrom.value = null;
}
onSignOut(reset);

/** Lists the jobs in a state, or all. Returns a function that stops. */
export function watchJobs(state: JobState | undefined): () => void {
  reset();
  filter = state;
  return poll(refresh, REFRESH_MS);
}

async function refresh(abort: AbortSignal): Promise<void> {
  try {
    const { jobs: page, pagination } = await api.listJobs(query(), abort);
    const before = jobs.peek();

    jobs.value = mergePage(page, pagination.hasMore, before ?? []);
    total.value = pagination.total;
    problem.value = null;
    if (before === null || !pagination.hasMore) olderFrom.value = pagination.nextCursor;
  } catch (error) {
    if (!isAborted(error)) problem.value = asProblem(error);
  }
}

export async function loadOlder(): Promise<void> {
  const cursor = olderFrom.peek();
  if (cursor === null || busy.peek()) return;
  busy.value = true;

  try {
    const { jobs: page, pagination } = await api.listJobs({ ...query(), cursor });
    jobs.value = [...(jobs.peek() ?? []), ...page];
    olderFrom.value = pagination.nextCursor;
  } catch (error) {
    problem.value = asProblem(error);
  } finally {
    busy.value = false;
  }
}

function query(): { limit: number; state?: JobState } {
  return { limit: PAGE_JOBS, ...(filter && { state: filter }) };
}
