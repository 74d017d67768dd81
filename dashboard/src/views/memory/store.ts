// The analysis that is shown, and the one that is running.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { Analysis, HistoryRow } from '../../api/types';
import { formatCount } from '../../lib/format';
import { announce } from '../../state/announce';
import { recentLoads } from '../reload';

export type Mode = Analysis['mode'];

export const analysis = signal<Analysis | null>(null);
/** There is no analysis yet. */
export const isMissing = signal(false);
export const readProblem = signal<Problem | null>(null);
/** A sample is being analysed, or a job is being started. */
export const busy = signal(false);
export const runProblem = signal<Problem | null>(null);
/** The job of a full analysis that was started here; '' without one. */
export const jobId = signal('');
/** The lookups of the last day by modules, for what it costs to load keys again. */
export const loads = signal<readonly HistoryRow[]>([]);

const LOADS_OF_HOURS = 24;

onSignOut(() => {
  analysis.value = null;
  loads.value = [];
  isMissing.value = false;
  readProblem.value = null;
  runProblem.value = null;
  jobId.value = '';
});

/** Reads an analysis: the one with this id, or the newest. Returns a function that stops. */
export function read(id: string | null): () => void {
  const abort = new AbortController();
  void readAnalysis(id ?? undefined, abort.signal);
  return () => abort.abort();
}

async function readAnalysis(id: string | undefined, abort?: AbortSignal): Promise<void> {
  try {
    show(await api.getAnalysis(id, abort));
  } catch (error) {
    if (isAborted(error)) return;
    const problem = asProblem(error);
    isMissing.value = problem.status === 404 && id === undefined;
    readProblem.value = isMissing.peek() ? null : problem;
  }
}

function show(found: Analysis): void {
  analysis.value = found;
  isMissing.value = false;
  readProblem.value = null;
}

/** Analyses a sample at once, or starts a job that analyses all keys. Resolves to true when there is a result to show. */
export async function analyse(mode: Mode, depth: number): Promise<boolean> {
  busy.value = true;
  runProblem.value = null;

  try {
    if (mode === 'full') {
      jobId.value = (await api.startAnalysis({ mode, depth })).id;
      announce('The job has started');
      return false;
    }
    show(await api.analyseSample({ mode, depth }));
    announce(`Analysed ${formatCount(analysis.peek()?.keysVisited ?? 0, 'key')}`);
    return true;
  } catch (error) {
    runProblem.value = asProblem(error);
    return false;
  } finally {
    busy.value = false;
  }
}

/** Reads the loads once more. */
export async function readLoads(): Promise<void> {
  loads.value = await recentLoads(LOADS_OF_HOURS);
}

/** Shows the result of the job that has ended. */
export function showResult(): void {
  void readAnalysis(undefined);
}
