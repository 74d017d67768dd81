// One job: its state, its live progress, its counts, and the buttons that change it.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { Job, JobChange } from '../../api/types';
import { formatCount, formatMilliseconds, formatNumber, formatTime, timeSince, timeUntil } from '../../lib/format';
import { announce } from '../../state/announce';
import { now, refreshStats } from '../../state/live';
import { href } from '../../state/route';
import { Action, Actions } from '../../ui/action';
import { Badge } from '../../ui/badge';
import { Bar } from '../../ui/bar';
import { Name } from '../../ui/name';
import { Failure, Loading } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { Histogram } from '../../ui/ttl-histogram';
import { useTask } from '../../ui/use-task';
import { describeKind, describeOutcome, describeProgress, isEnded, runningMs, TONES } from './describe';
import { Execute } from './execute';
import { useJob } from './follow';

interface Props {
  id: string;
  /** Shown below the job while it has not ended. */
  hint?: ComponentChildren;
  onDone?: (job: Job) => void;
}

export function JobPanel({ id, hint, onDone }: Props) {
  const { job, problem, apply } = useJob(id);
  useAnnouncedEnd(job);
  useEffect(() => {
    if (job?.state === 'done') onDone?.(job);
  }, [job?.state]);

  if (job === null) {
    return problem ? <Failure problem={problem} action="Reading the job" /> : <Loading what="the job" />;
  }
  return (
    <section class="card job" aria-label={`Job ${id}`}>
      <Heading job={job} />
      <Progress job={job} />
      {problem && <Failure problem={problem} action="Reading the job" />}
      {job.error !== null && <p class="error wrap">{job.error}</p>}
      {!isEnded(job) && hint}
      <Changes job={job} onChanged={apply} />
      <Execute job={job} />
      <Ttls job={job} />
      <Nodes job={job} />
      <Facts job={job} />
    </section>
  );
}

/** Announces the end of a job that was seen before its end. */
function useAnnouncedEnd(job: Job | null): void {
  const wasActive = useRef(false);

  useEffect(() => {
    if (job === null) return;
    if (wasActive.current && isEnded(job)) {
      announce(`The job is ${job.state}: ${describeOutcome(job)}`);
      void refreshStats();
    }
    wasActive.current = !isEnded(job);
  }, [job?.state]);
}

function Heading({ job }: { job: Job }) {
  return (
    <div class="row">
      <Badge tone={TONES[job.state] ?? 'info'}>{job.state}</Badge>
      <h2 class="grow job-title">
        {describeKind(job)} <Patterns patterns={job.patterns} />
      </h2>
      <span class="muted num">{formatMilliseconds(runningMs(job, now.value))}</span>
    </div>
  );
}

export function Patterns({ patterns }: { patterns: readonly string[] }) {
  return (
    <span class="mono wrap">
      {patterns.map((pattern, index) => (
        <span key={index}>
          {index > 0 && ', '}
          <Name text={pattern} whole />
        </span>
      ))}
    </span>
  );
}

function Progress({ job }: { job: Job }) {
  const { percent } = job.progress;
  const shown = job.state === 'done' ? 100 : percent;

  return (
    <>
      {shown !== null && (
        <div class="row job-bar">
          <Bar label="Progress of the job" percent={shown} tone={barTone(job)} text={`${Math.floor(shown)} %`} />
          <span class="num">{Math.floor(shown)} %</span>
        </div>
      )}
      <p class="num">
        <strong>{describeOutcome(job)}</strong>
        {job.keysAppeared > 0 && ` · ${formatCount(job.keysAppeared, 'key')} appeared since the dry run, and kept`}
        {job.keysFailed > 0 && <span class="error"> · {formatCount(job.keysFailed, 'key')} refused by Redis</span>}
        <span class="muted"> · {describeProgress(job)}</span>
      </p>
    </>
  );
}

function barTone({ state }: Job): 'ok' | 'warn' | 'bad' {
  if (state === 'failed') return 'bad';
  return state === 'paused' || state === 'cancelled' ? 'warn' : 'ok';
}

function Changes({ job, onChanged }: { job: Job; onChanged: (job: Job) => void }) {
  const { busy, problem, run } = useTask();
  if (isEnded(job)) return null;

  const change = (to: JobChange): void => void run(async () => onChanged(await api.changeJob(job.id, to)));
  const isPaused = job.state === 'paused';
  const canPause = job.state !== 'scheduled';
  return (
    <>
      <Actions needs="operator">
        {(describedBy) => (
          <>
            {canPause && (
              <Action
                small
                needs="operator"
                describedBy={describedBy}
                busy={busy}
                onAct={() => change(isPaused ? 'resume' : 'pause')}
              >
                {isPaused ? 'Resume' : 'Pause'}
              </Action>
            )}
            <Action small needs="operator" describedBy={describedBy} busy={busy} onAct={() => change('cancel')}>
              Cancel job
            </Action>
          </>
        )}
      </Actions>
      <p class="hint">A cancelled job cannot be resumed. {kept(job)}</p>
      {problem && <Failure problem={problem} action="Changing the job" />}
    </>
  );
}

function kept({ kind, mode, state, dryRun }: Job): string {
  if (dryRun || kind === 'analysis' || state === 'scheduled') return '';
  if (kind === 'warmup') return 'Keys that it has written stay.';
  if (kind === 'expire') return 'Keys that it has changed stay changed.';
  return mode === 'soft' ? 'Keys that it has marked stale stay stale.' : 'Keys that it has deleted stay deleted.';
}

/** The TTLs before and after a change of expiries. */
function Ttls({ job: { ttlBefore, ttlAfter } }: { job: Job }) {
  return ttlBefore && ttlAfter ? <Histogram before={ttlBefore} after={ttlAfter} /> : null;
}

const NODE_HEADS = ['Node', num('Matched'), num('Deleted'), num('Stale'), num('Changed'), num('Refused'), 'Walk'];

/** The counts of each node of a Cluster. */
function Nodes({ job: { nodes } }: { job: Job }) {
  if (nodes.length < 2) return null;

  return (
    <Table label="Counts of each node" heads={NODE_HEADS}>
      {nodes.map(({ node, keysMatched, keysRemoved, keysMarkedStale, keysChanged, keysFailed, ended }) => (
        <tr key={node}>
          <td class="mono">{node}</td>
          <td class="num">{formatNumber(keysMatched)}</td>
          <td class="num">{formatNumber(keysRemoved)}</td>
          <td class="num">{formatNumber(keysMarkedStale)}</td>
          <td class="num">{formatNumber(keysChanged)}</td>
          <td class="num">{formatNumber(keysFailed)}</td>
          <td>{ended ? 'ended' : 'running'}</td>
        </tr>
      ))}
    </Table>
  );
}

function Facts({ job }: { job: Job }) {
  const at = (time: string): string => `${formatTime(time)} (${timeSince(time, now.value)})`;

  return (
    <dl class="facts">
      <dt>Created</dt>
      <dd>
        {at(job.createdAt)} by <strong>{job.createdBy}</strong>
      </dd>
      <Fact name="Conditions" text={job.conditions} />
      <Fact name="Change" text={job.expiry} />
      <Fact name="Begins" text={job.state === 'scheduled' && job.runAt ? beginOf(job.runAt) : null} />
      {job.state !== 'scheduled' && (
        <>
          <dt>Started</dt>
          <dd>{job.startedAt === null ? 'waiting for a worker' : at(job.startedAt)}</dd>
        </>
      )}
      {job.dryRunJob !== null && (
        <>
          <dt>Executes</dt>
          <dd>
            <a href={href('jobs', { id: job.dryRunJob })}>its dry run</a>
          </dd>
        </>
      )}
      {job.endedAt !== null && (
        <>
          <dt>Ended</dt>
          <dd>{at(job.endedAt)}</dd>
        </>
      )}
      {job.inForceAt !== null && (
        <>
          <dt>In force</dt>
          <dd>{at(job.inForceAt)}: from then on, services get no entry from before</dd>
        </>
      )}
      {job.takeovers > 0 && (
        <>
          <dt>Takeovers</dt>
          <dd>{formatCount(job.takeovers, 'worker')} took over from one that had ended</dd>
        </>
      )}
      <dt>Request</dt>
      <dd class="mono">{job.requestId}</dd>
    </dl>
  );
}

function Fact({ name, text }: { name: string; text: string | null }) {
  if (text === null) return null;

  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}

function beginOf(runAt: string): string {
  return `${formatTime(runAt)} (${timeUntil(runAt, now.value)})`;
}
