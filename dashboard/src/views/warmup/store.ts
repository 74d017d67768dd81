// What is known of warmups: the plan, the one under way, and what this page asked for.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, Problem } from '../../api/problem';
import type { Warmup, WarmupPlan, WarmupRequest } from '../../api/types';
import { events } from '../../lib/events';
import { plural } from '../../lib/format';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';

const POLL_RUNNING_MS = 1_000;
const POLL_IDLE_MS = 5_000;

/** Undefined while it is not known; null before the first warmup. */
export const current = signal<Warmup | null | undefined>(undefined);
/** The last dry run of this page: it leaves nothing in Redis, not even its state. */
export const tried = signal<Warmup | null>(null);
export const plan = signal<WarmupPlan | null>(null);
/** Why there is no plan: an older application has none. */
export const planProblem = signal<Problem | null>(null);
/** What went wrong with what was asked for here. */
export const problem = signal<Problem | null>(null);
/** Why the state cannot be read at the moment. */
export const unread = signal<Problem | null>(null);
export const starting = signal(false);
export const cancelling = signal(false);

async function loadPlan(): Promise<void> {
  try {
    plan.value = await api.warmupPlan();
    planProblem.value = null;
  } catch (error) {
    planProblem.value = asProblem(error);
  }
}

/** Starts one. The application answers when it is over; how it goes is watched meanwhile. */
export async function start(request: WarmupRequest): Promise<void> {
  starting.value = true;
  problem.value = null;
  tried.value = null;
  announce('Warmup started');
  const over = api.startWarmup(request).then(
    ({ details }) => {
      if (details.dryRun) tried.value = details;
    },
    (error: unknown) => {
      problem.value = asProblem(error);
    },
  );
  look();
  await over;
  starting.value = false;
  look();
  void loadPlan();
  void refreshStats();
}

export async function cancel(): Promise<void> {
  cancelling.value = true;
  try {
    await api.cancelWarmup();
  } catch (error) {
    problem.value = asProblem(error);
  } finally {
    cancelling.value = false;
    look();
  }
}

let wake: () => void = () => undefined;

/** Looks now instead of when it would be time again. */
function look(): void {
  wake();
}

/** Follows warmups, whoever starts them, until told to stop; while the page is hidden it waits. */
export function watch(): () => void {
  const abort = new AbortController();
  void follow(abort.signal);
  void loadPlan();
  const onVisible = (): void => look();
  document.addEventListener('visibilitychange', onVisible);
  return () => {
    abort.abort();
    wake();
    document.removeEventListener('visibilitychange', onVisible);
  };
}

async function follow(abort: AbortSignal): Promise<void> {
  while (!abort.aborted) {
    if (!document.hidden) await readOnce(abort);
    const running = current.peek()?.state === 'running' || starting.peek();
    await pause(running ? POLL_RUNNING_MS : POLL_IDLE_MS);
  }
}

/** Reads the state once, or for as long as a stream of it lasts. */
async function readOnce(abort: AbortSignal): Promise<void> {
  try {
    const answer = await api.watchWarmup(abort);
    const streams = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!streams || answer.body === null) {
      take(((await answer.json()) as { data: Warmup | null }).data);
      return;
    }
    for await (const event of events(answer.body)) {
      if (event.event === 'problem') unread.value = new Problem(503, JSON.parse(event.data) as string);
      else take(unwrap(event.data));
    }
  } catch (error) {
    if (!isAborted(error)) unread.value = asProblem(error);
  }
}

/** An event's data is the answer of `GET /warmup`, or the warmup itself. */
export function unwrap(data: string): Warmup | null {
  const parsed = JSON.parse(data) as { data?: Warmup | null } | Warmup | null;
  return parsed !== null && 'data' in parsed ? (parsed.data ?? null) : (parsed as Warmup | null);
}

function take(warmup: Warmup | null): void {
  const before = current.peek();
  current.value = warmup;
  unread.value = null;
  if (planProblem.peek()?.unsupported === false) void loadPlan();
  if (before?.state === 'running' && warmup !== null && warmup.state !== 'running') {
    announce(`Warmup ${warmup.state}: ${plural(warmup.keysCreated, 'key')} created`);
    void loadPlan();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
