// The state of the clear view, kept while the page is open: the preview, the removals and the jobs begun here.
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { Job } from '../../api/types';
import { formatCount, formatMilliseconds } from '../../lib/format';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';
import { keepInHistory } from '../../state/route';
import { FUTURE, modeFor } from './mode';
import {
  describeRemoval,
  preview,
  type Preview,
  previewOfCount,
  type Removal,
  type RemovalOptions,
  remove,
  startCount,
  startJob,
} from './removal';
import type { Selection } from './selection';

const MAX_REMOVALS = 20;
const MAX_JOBS = 3;

export const currentPreview = signal<Preview | null>(null);
export const problem = signal<Problem | null>(null);
export const busy = signal<'' | 'preview' | 'clear'>('');
/** The latest first. */
export const removals = signal<readonly Removal[]>([]);
/** The ids of the jobs that were started here, the latest first. */
export const startedJobs = signal<readonly string[]>([]);
/** The job that counts the keys of a selection for a preview. */
export const counting = signal<{ id: string; selection: Selection } | null>(null);
/** The application asked for a confirmation that the preview had not announced. */
export const confirmationDemanded = signal(false);

/** Grows when a preview is dropped, so that an answer to an earlier request is ignored. */
let generation = 0;
/** The selection whose preview is requested or shown. */
let previewed: Selection | null = null;

/** Drops the preview, because the selection changed. */
export function dropPreview(): void {
  generation += 1;
  previewed = null;
  counting.value = null;
  currentPreview.value = null;
  problem.value = null;
  confirmationDemanded.value = false;
  if (busy.peek() === 'preview') busy.value = '';
}

/** Keeps the preview only if it is that of this selection: it is, after a way back to the form. */
export function keepPreviewOf({ by, text }: Selection): void {
  if (previewed?.by !== by || previewed.text !== text) dropPreview();
}

onSignOut(() => {
  dropPreview();
  removals.value = [];
  startedJobs.value = [];
  keepInHistory(null);
});

export async function showPreview(selection: Selection): Promise<void> {
  dropPreview();
  const started = generation;
  previewed = selection;
  busy.value = 'preview';

  try {
    const found = await preview(selection);
    if (started !== generation) return;
    currentPreview.value = found;
    announce(`Preview: ${formatCount(found.count, 'key')} ${FUTURE[modeFor(found)]}`);
  } catch (error) {
    if (started === generation) problem.value = asProblem(error);
  } finally {
    if (started === generation) busy.value = '';
  }
}

/** Counts the keys by a job, whose end shows the preview. */
export async function countByJob(selection: Selection): Promise<void> {
  dropPreview();
  const started = generation;
  previewed = selection;
  busy.value = 'preview';

  try {
    const { id } = await startCount(selection);
    if (started === generation) counting.value = { id, selection };
  } catch (error) {
    if (started === generation) problem.value = asProblem(error);
  } finally {
    if (started === generation) busy.value = '';
  }
}

/** Shows the preview of a count that is done, unless the selection has changed since. */
export async function showCount(job: Job): Promise<void> {
  const counted = counting.peek();
  if (counted?.id !== job.id) return;
  const found = await previewOfCount(counted.selection, job);

  if (counting.peek() !== counted) return;
  counting.value = null;
  currentPreview.value = found;
}

export async function removeSelected(selection: Selection, options: RemovalOptions): Promise<void> {
  await carryOut(async () => {
    const removal = await remove(selection, options);
    removals.value = [removal, ...removals.peek()].slice(0, MAX_REMOVALS);
    announce(`${describeRemoval(removal)} in ${formatMilliseconds(removal.durationMs)}`);
    void refreshStats();
  });
}

/** Starts a job, at most so many keys per second. Its progress is shown in place. */
export async function startRemovalJob(
  selection: Selection,
  options: RemovalOptions,
  maxKeysPerSecond: number | null,
): Promise<void> {
  await carryOut(async () => {
    const { id } = await startJob(selection, options, maxKeysPerSecond);
    startedJobs.value = [id, ...startedJobs.peek()].slice(0, MAX_JOBS);
    announce('The job has started');
  });
}

async function carryOut(change: () => Promise<void>): Promise<void> {
  busy.value = 'clear';
  problem.value = null;

  try {
    await change();
    currentPreview.value = null;
    confirmationDemanded.value = false;
  } catch (error) {
    problem.value = asProblem(error);
    confirmationDemanded.value = problem.value.kind === 'confirmation-required';
  } finally {
    busy.value = '';
  }
}
