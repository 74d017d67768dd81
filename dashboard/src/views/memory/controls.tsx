// The form that starts an analysis, and the progress of a full one.
import { useId, useState } from 'preact/hooks';
import { href, navigate } from '../../state/route';
import { Action } from '../../ui/action';
import { Failure } from '../../ui/notes';
import { JobPanel } from '../jobs/panel';
import { analyse, busy, jobId, type Mode, runProblem, showResult } from './store';

const DEFAULT_DEPTH = 3;
const MAX_DEPTH = 6;

export function Controls() {
  const [mode, setMode] = useState<Mode>('sample');
  const [depth, setDepth] = useState(DEFAULT_DEPTH);
  const id = useId();

  const submit = (event: Event): void => {
    event.preventDefault();
    // The result is the newest, whatever the address names.
    if (!busy.value) void analyse(mode, depth).then((hasResult) => hasResult && navigate('memory'));
  };

  return (
    <>
      <form class="row filters" onSubmit={submit}>
        <label class="hidden" for={`${id}-mode`}>
          Keys to look at
        </label>
        <select id={`${id}-mode`} value={mode} onChange={(event) => setMode(event.currentTarget.value as Mode)}>
          <option value="sample">A sample of 20,000 keys, at once</option>
          <option value="full">All keys, as a job</option>
        </select>
        <label for={`${id}-depth`}>Depth</label>
        <select id={`${id}-depth`} value={depth} onChange={(event) => setDepth(Number(event.currentTarget.value))}>
          {Array.from({ length: MAX_DEPTH }, (_, index) => (
            <option key={index} value={index + 1}>
              {index + 1}
            </option>
          ))}
        </select>
        <Action kind="primary" submit needs="admin" busy={busy.value}>
          Analyse now
        </Action>
      </form>
      {runProblem.value && <Failure problem={runProblem.value} action="The analysis" />}
      {jobId.value !== '' && (
        <JobPanel
          key={jobId.value}
          id={jobId.value}
          hint={
            <p>
              You can close this tab: the job goes on. <a href={href('jobs', { id: jobId.value })}>Open the job</a>
            </p>
          }
          onDone={showResult}
        />
      )}
    </>
  );
}
