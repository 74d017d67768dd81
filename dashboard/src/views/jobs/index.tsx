// Jobs: operations that outlive their request. The list, newest first, or one job that the address names.
import { useEffect, useId } from 'preact/hooks';
import type { Job, JobState } from '../../api/types';
import { formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { href, navigate, route } from '../../state/route';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { Badge } from '../../ui/badge';
import { Bar } from '../../ui/bar';
import { Empty, Failure, Loading } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { describeKind, describeOutcome, isEnded, runningMs, STATES, TONES } from './describe';
import { JobPanel, Patterns } from './panel';
import { busy, jobs, loadOlder, olderFrom, problem, total, watchJobs } from './store';

export function Jobs() {
  const { query } = route.value;
  const id = query.get('id');
  const state = STATES.find((known) => known === query.get('state'));

  return (
    <div class="jobs">
      <div class="view-head">
        <h1>Jobs</h1>
        <span class="muted grow">Jobs go on without this page: close the tab, and come back later.</span>
        {id !== null && <a href={href('jobs')}>All jobs</a>}
      </div>
      {id === null ? <List state={state} /> : <JobPanel key={id} id={id} />}
    </div>
  );
}

function List({ state }: { state: JobState | undefined }) {
  useEffect(() => watchJobs(state), [state]);
  const loaded = jobs.value;

  return (
    <>
      <StateFilter state={state} />
      {problem.value && <Failure problem={problem.value} action="Listing jobs" />}
      {loaded === null && problem.value === null && <Loading what="jobs" />}
      {loaded?.length === 0 && <EmptyNote state={state} />}
      {loaded !== null && loaded.length > 0 && <Rows loaded={loaded} />}
      {olderFrom.value !== null && (
        <Action busy={busy.value} onAct={() => void loadOlder()}>
          Load older
        </Action>
      )}
    </>
  );
}

function StateFilter({ state }: { state: JobState | undefined }) {
  const id = useId();
  const select = (chosen: string): void => navigate('jobs', chosen === '' ? {} : { state: chosen });

  return (
    <p class="row filters">
      <label for={id}>State</label>
      <select id={id} value={state ?? ''} onChange={(event) => select(event.currentTarget.value)}>
        <option value="">any</option>
        {STATES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <span class="muted num" role="status">
        {jobs.value !== null && `${formatNumber(jobs.value.length)} of ${formatNumber(total.value)}`}
      </span>
    </p>
  );
}

function EmptyNote({ state }: { state: JobState | undefined }) {
  if (state !== undefined) return <Empty>No job is {state}.</Empty>;

  return (
    <Empty>
      No jobs in the last 7 days. <a href={href('clear')}>Clear</a> starts one for a large pattern.
    </Empty>
  );
}

const HEADS = ['State', 'Job', 'Result', 'Progress', num('Duration'), 'Caller', 'Created'];

function Rows({ loaded }: { loaded: readonly Job[] }) {
  return (
    <Table label="Jobs" heads={HEADS} kind="card job-list">
      {loaded.map((job) => (
        <tr key={job.id}>
          <td>
            <Badge tone={TONES[job.state] ?? 'info'}>{job.state}</Badge>
          </td>
          <td class="wrap">
            <a href={href('jobs', { id: job.id })}>
              {describeKind(job)} <Patterns patterns={job.patterns.slice(0, 3)} />
            </a>
          </td>
          <td>{describeOutcome(job)}</td>
          <td>
            <RowProgress job={job} />
          </td>
          <td class="num">{formatMilliseconds(runningMs(job, now.value))}</td>
          <td>{job.createdBy}</td>
          <td title={job.createdAt}>{formatTime(job.createdAt)}</td>
        </tr>
      ))}
    </Table>
  );
}

function RowProgress({ job }: { job: Job }) {
  const { percent } = job.progress;
  if (isEnded(job) || percent === null) return <span class="muted">{isEnded(job) ? '' : 'waiting'}</span>;
  return <Bar label={`Progress of job ${job.id}`} percent={percent} text={`${Math.floor(percent)} %`} />;
}
