// What the clear view remembers while the page is open: the preview at hand and what was done.
import { signal } from '@preact/signals';
import { asProblem, type Problem } from '../../api/problem';
import { plural } from '../../lib/format';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';
import { whenSignedOut } from '../../state/session';
import { carryOut, preview, type Plan, type Preview, type Result } from './plan';

export const shown = signal<Preview | null>(null);
export const problem = signal<Problem | null>(null);
export const busy = signal<'' | 'preview' | 'clear'>('');
/** The latest first. */
export const results = signal<readonly Result[]>([]);
/** The application said that this needs the word, although the page did not see it coming. */
export const wordDemanded = signal(false);

let turn = 0;

/** Whatever was previewed is no longer what is typed. */
export function forgetPreview(): void {
  turn += 1;
  shown.value = null;
  problem.value = null;
  wordDemanded.value = false;
  if (busy.peek() === 'preview') busy.value = '';
}

whenSignedOut(() => {
  forgetPreview();
  results.value = [];
});

export async function look(plan: Plan): Promise<void> {
  forgetPreview();
  const mine = turn;
  busy.value = 'preview';
  try {
    const found = await preview(plan);
    if (mine !== turn) return;
    shown.value = found;
    announce(`Preview: ${plural(found.count, 'key')} would go`);
  } catch (error) {
    if (mine === turn) problem.value = asProblem(error);
  } finally {
    if (mine === turn) busy.value = '';
  }
}

export async function remove(plan: Plan, confirmed: boolean): Promise<void> {
  busy.value = 'clear';
  problem.value = null;
  try {
    const result = await carryOut(plan, confirmed);
    results.value = [result, ...results.peek()].slice(0, 20);
    shown.value = null;
    wordDemanded.value = false;
    announce(`${plural(result.deleted, 'key')} removed in ${result.duration}`);
    void refreshStats();
  } catch (error) {
    problem.value = asProblem(error);
    wordDemanded.value = problem.value.kind === 'confirmation-required';
  } finally {
    busy.value = '';
  }
}
