// Executes a dry run that is done: the keys that it has counted are deleted, marked stale, or get their new TTL.
import { useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { Job, Role } from '../../api/types';
import { formatNumber } from '../../lib/format';
import { announce } from '../../state/announce';
import { navigate } from '../../state/route';
import { Action } from '../../ui/action';
import { CountField, countProblem } from '../../ui/count-field';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { needsTypedCount } from '../clear/effect';
import { describeExecution } from './describe';

export function Execute({ job }: { job: Job }) {
  const [typed, setTyped] = useState('');
  const { busy, problem, run } = useTask();
  const isDemanded = problem?.kind === 'confirmation-required';
  const count = job.kind === 'expire' ? job.keysChanged : job.keysMatched;
  if (job.executable === null || count === 0) return null;

  const needsCount = isDemanded || needsTypedCount(count, shareOf(count, job));
  const blocked = needsCount ? countProblem(typed, count) : '';
  const execute = async (): Promise<void> => {
    const { id } = await api.executeDryRun(job.id, {
      by: job.executable ?? 'names',
      ...(needsCount && { confirmCount: job.keysMatched }),
    });
    announce('The job has started');
    navigate('jobs', { id });
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked === '' && !busy) void run(execute);
  };

  return (
    <form class="confirm execute" aria-label="Execute this dry run" onSubmit={submit}>
      <p class="hint">{hintOf(job)}</p>
      {needsCount && <CountField count={count} typed={typed} onType={setTyped} />}
      <Action
        kind={job.mode === 'soft' ? 'primary' : 'danger'}
        submit
        needs={roleOf(job)}
        busy={busy}
        blocked={blocked}
      >
        Execute: {describeExecution(job)}
      </Action>
      {problem && <Failure problem={problem} action="Executing the dry run" />}
    </form>
  );
}

function hintOf({ executable, keysMatched }: Job): string {
  return executable === 'names'
    ? 'Execute this dry run: only keys that it has found are changed. Keys that appeared since are counted, and kept.'
    : `The names of ${formatNumber(keysMatched)} keys are too many to keep: the keys that match when it runs are changed.`;
}

/** The share of all keys when the dry run began. */
function shareOf(count: number, { progress: { keysTotal } }: Job): number | null {
  return keysTotal === null || keysTotal === 0 ? null : Math.min(1, count / keysTotal);
}

/** The least role that can be enough; the application decides by what the patterns match. */
function roleOf({ kind, patterns }: Job): Role {
  const startsWithText = patterns.every((pattern) => /^[^*?[\\]/.test(pattern));
  return kind === 'clear' && startsWithText ? 'operator' : 'admin';
}
