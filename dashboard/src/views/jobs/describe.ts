// Jobs in words: what one does, how far it is, and what it has done.
import type { Job, JobState } from '../../api/types';
import { formatCount, formatNumber, formatSeconds, formatTime } from '../../lib/format';

export const STATES: readonly JobState[] = ['scheduled', 'queued', 'running', 'paused', 'done', 'failed', 'cancelled'];

export const TONES: Readonly<Record<string, string>> = {
  scheduled: 'info',
  queued: 'info',
  running: 'info',
  paused: 'warn',
  done: 'ok',
  failed: 'bad',
  cancelled: 'warn',
};

export function isEnded({ state }: Pick<Job, 'state'>): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

export function describeKind({ kind, dryRun }: Pick<Job, 'kind' | 'dryRun'>): string {
  return dryRun ? `Dry run of ${kind}` : `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}

type Counts = Pick<
  Job,
  'state' | 'kind' | 'mode' | 'dryRun' | 'runAt' | 'keysMatched' | 'keysRemoved' | 'keysMarkedStale' | 'keysChanged'
> &
  Partial<Pick<Job, 'warmup'>>;

/** `48,210 keys deleted`. A dry run deletes none. */
export function describeOutcome(job: Counts): string {
  const { kind, mode, dryRun, runAt, keysMatched, keysRemoved, keysMarkedStale, keysChanged } = job;
  if (job.state === 'scheduled') return runAt === null ? 'not started' : `begins ${formatTime(runAt)}`;
  if (kind === 'analysis') return job.state === 'done' ? 'the result is in Memory' : 'nothing is changed';
  if (kind === 'warmup') {
    return `${formatCount(job.warmup?.keysCreated ?? 0, 'key')} ${dryRun ? 'would be written' : 'written'}`;
  }
  if (kind === 'expire') return `${formatCount(keysChanged, 'key')} ${dryRun ? 'would change' : 'changed'}`;
  if (dryRun) return `${formatCount(keysMatched, 'key')} would be ${mode === 'soft' ? 'marked stale' : 'deleted'}`;
  if (keysMarkedStale === 0) return `${formatCount(keysRemoved, 'key')} deleted`;

  const stale = `${formatCount(keysMarkedStale, 'key')} marked stale`;
  return keysRemoved === 0 ? stale : `${stale}, ${formatNumber(keysRemoved)} deleted`;
}

/** `480,000 of 2,000,000 keys walked · 121,000 keys per second · about 12 s left`. */
export function describeProgress({ kind, state, progress, maxKeysPerSecond }: Job): string {
  const { keysWalked, keysTotal, keysPerSecond, etaSeconds, pass } = progress;
  const isRunning = state === 'running';
  if (kind === 'warmup') {
    const left = isRunning && etaSeconds !== null ? ` · about ${formatSeconds(etaSeconds)} left` : '';
    return `${formatNumber(progress.percent ?? 0)} % of the plan entries${left}`;
  }
  const total = keysTotal === null ? '' : `${formatNumber(keysTotal)} `;
  const walked = keysTotal === null ? formatNumber(keysWalked) : `${formatNumber(Math.min(keysWalked, keysTotal))} of`;

  const parts = [
    `${walked} ${total}keys walked`,
    isRunning && keysPerSecond !== null && `${formatCount(keysPerSecond, 'key')} per second`,
    isRunning && etaSeconds !== null && `about ${formatSeconds(etaSeconds)} left`,
    maxKeysPerSecond !== null && `at most ${formatCount(maxKeysPerSecond, 'matching key')} per second`,
    pass > 1 && `pass ${pass}`,
  ];
  return parts.filter((part) => part !== false).join(' · ');
}

/** The effect of executing a dry run, as the label of a button. */
export function describeExecution({ kind, mode, keysMatched, keysChanged }: Job): string {
  if (kind === 'expire') return `Change the TTL of ${formatCount(keysChanged, 'key')}`;
  return `${mode === 'soft' ? 'Mark' : 'Delete'} ${formatCount(keysMatched, 'key')}${mode === 'soft' ? ' stale' : ''}`;
}

/** Milliseconds that the job has run, or ran; null before it has started. */
export function runningMs({ startedAt, endedAt }: Pick<Job, 'startedAt' | 'endedAt'>, now: number): number | null {
  if (startedAt === null) return null;
  const end = endedAt === null ? now : Date.parse(endedAt);
  return Math.max(0, end - Date.parse(startedAt));
}

/** The page that follows, with its jobs in place of those that it covers, before the older ones that are loaded. */
export function mergePage(page: readonly Job[], hasMore: boolean, loaded: readonly Job[]): Job[] {
  const oldest = page.at(-1)?.id;
  if (!hasMore || oldest === undefined) return [...page];
  return [...page, ...loaded.filter(({ id }) => id < oldest)];
}
