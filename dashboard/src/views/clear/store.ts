// The state of the clear view, kept while the page is open: the current preview and the removals so far.
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import { formatCount } from '../../lib/format';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';
import { preview, type Preview, type Removal, remove } from './removal';
import type { Selection } from './selection';

const MAX_REMOVALS = 20;

export const currentPreview = signal<Preview | null>(null);
export const problem = signal<Problem | null>(null);
export const busy = signal<'' | 'preview' | 'clear'>('');
/** The latest first. */
export const removals = signal<readonly Removal[]>([]);
/** The application asked for a confirmation that the preview had not announced. */
export const confirmationDemanded = signal(false);

/** Grows when a preview is dropped, so that an answer to an earlier request is ignored. */
let generation = 0;

/** Drops the preview, because the selection changed. */
export function dropPreview(): void {
  generation += 1;
  currentPreview.value = null;
  problem.value = null;
  confirmationDemanded.value = false;
  if (busy.peek() === 'preview') busy.value = '';
}

onSignOut(() => {
  dropPreview();
  removals.value = [];
});

export async function showPreview(selection: Selection): Promise<void> {
  dropPreview();
  const started = generation;
  busy.value = 'preview';

  try {
    const found = await preview(selection);
    if (started !== generation) return;
    currentPreview.value = found;
    announce(`Preview: ${formatCount(found.count, 'key')} would be removed`);
  } catch (error) {
    if (started === generation) problem.value = asProblem(error);
  } finally {
    if (started === generation) busy.value = '';
  }
}

export async function removeSelected(selection: Selection, confirmed: boolean): Promise<void> {
  busy.value = 'clear';
  problem.value = null;

  try {
    const removal = await remove(selection, confirmed);
    removals.value = [removal, ...removals.peek()].slice(0, MAX_REMOVALS);
    currentPreview.value = null;
    confirmationDemanded.value = false;
    announce(`${formatCount(removal.deleted, 'key')} removed in ${removal.duration}`);
    void refreshStats();
  } catch (error) {
    problem.value = asProblem(error);
    confirmationDemanded.value = problem.value.kind === 'confirmation-required';
  } finally {
    busy.value = '';
  }
}
