// Follows one job while the page is visible: by its stream of events, or by polling where the application cannot stream.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, Problem } from '../../api/problem';
import type { Job } from '../../api/types';
import { readServerEvents } from '../../lib/server-events';
import { poll } from '../../state/poll';
import { isEnded } from './describe';

/** The time until a stream that ended before its job is opened again. */
const REOPEN_MS = 1_000;

export interface Followed {
  job: Job | null;
  /** The reason that the job could not be read the last time. */
  problem: Problem | null;
}

const NOTHING: Followed = { job: null, problem: null };

/** The job with this id, updated until it has ended. `apply` takes a newer state from another answer. */
export function useJob(id: string) {
  const [followed, setFollowed] = useState<Followed>(NOTHING);
  const apply = (job: Job): void => setFollowed({ job, problem: null });

  useEffect(() => {
    setFollowed(NOTHING);
    return followJob(id, apply, (problem) => setFollowed((before) => ({ ...before, problem })));
  }, [id]);

  return { ...followed, apply };
}

/**
 * Reads until the job has ended or cannot be found. Returns a function that stops. A hidden page closes its stream, because
 * browsers allow only a few connections to one application, over all tabs.
 */
export function followJob(id: string, onJob: (job: Job) => void, onProblem: (problem: Problem) => void): () => void {
  let isOver = false;
  let stopReading = (): void => undefined;

  const read = async (abort: AbortSignal): Promise<void> => {
    try {
      for await (const job of readJob(id, abort)) {
        isOver = isEnded(job);
        onJob(job);
      }
    } catch (error) {
      if (isAborted(error)) return;
      const problem = asProblem(error);
      isOver = problem.status === 404;
      onProblem(problem);
    }
    if (isOver) stopReading();
  };
  const onVisibility = (): void => {
    stopReading();
    if (!document.hidden && !isOver) stopReading = poll(read, REOPEN_MS);
  };

  onVisibility();
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    stopReading();
  };
}

async function* readJob(id: string, abort: AbortSignal): AsyncGenerator<Job> {
  const answer = await api.watchJob(id, abort);
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;

  if (!isStream || answer.body === null) {
    yield ((await answer.json()) as { data: Job }).data;
    return;
  }
  for await (const { event, data } of readServerEvents(answer.body)) {
    if (event === 'problem') throw new Problem(503, JSON.parse(data) as string);
    yield JSON.parse(data) as Job;
  }
}
