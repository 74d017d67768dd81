// The state of warmups: the plan, the current or latest warmup, and the requests of this page.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, Problem } from '../../api/problem';
import type { Warmup, WarmupPlan, WarmupRequest } from '../../api/types';
import { formatCount } from '../../lib/format';
import { readServerEvents } from '../../lib/server-events';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';

const POLL_RUNNING_MS = 1_000;
const POLL_IDLE_MS = 5_000;

/** Undefined while unknown; null before the first warmup. */
export const current = signal<Warmup | null | undefined>(undefined);
/** The last dry run of this page. The application does not store the state of a dry run. */
export const dryRun = signal<Warmup | null>(null);
export const plan = signal<WarmupPlan | null>(null);
/** The reason that the plan could not be read. An older application has none. */
export const planProblem = signal<Problem | null>(null);
/** The reason that a request of this page failed. */
export const problem = signal<Problem | null>(null);
/** The reason that the state of warmups could not be read. */
export const statusProblem = signal<Problem | null>(null);
export const starting = signal(false);
export const cancelling = signal(false);

export function isRunning(): boolean {
  return starting.value || current.value?.state === 'running';
}

/** The modules of the plan; without a plan, those of the latest warmup. */
export function moduleNames(): string[] {
  return (plan.value ?? current.value)?.modules.map(({ name }) => name) ?? [];
}

async function loadPlan(): Promise<void> {
  try {
    plan.value = await api.getWarmupPlan();
    planProblem.value = null;
  } catch (error) {
    planProblem.value = asProblem(error);
  }
}

/** Starts a warmup. The application answers when it has ended; until then its state is polled. */
export async function startWarmup(request: WarmupRequest): Promise<void> {
  starting.value = true;
  problem.value = null;
  dryRun.value = null;
  announce('Warmup started');

  const ended = api.startWarmup(request);
  pollNow();
  try {
    const { details } = await ended;
    if (details.dryRun) dryRun.value = details;
  } catch (error) {
    problem.value = asProblem(error);
  }

  starting.value = false;
  pollNow();
  void loadPlan();
  void refreshStats();
}

export async function cancelWarmup(): Promise<void> {
  cancelling.value = true;
  try {
    await api.cancelWarmup();
  } catch (error) {
    problem.value = asProblem(error);
  } finally {
    cancelling.value = false;
    pollNow();
  }
}

/** Ends the pause between two polls. */
let endPause: () => void = () => undefined;

function pollNow(): void {
  endPause();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    endPause = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

/** Follows warmups, whoever starts them, while the page is visible. Returns a function that stops. */
export function watchWarmups(): () => void {
  const abort = new AbortController();
  void pollUntilAborted(abort.signal);
  void loadPlan();
  document.addEventListener('visibilitychange', pollNow);

  return () => {
    abort.abort();
    pollNow();
    document.removeEventListener('visibilitychange', pollNow);
  };
}

async function pollUntilAborted(abort: AbortSignal): Promise<void> {
  while (!abort.aborted) {
    if (!document.hidden) await readState(abort);
    const running = current.peek()?.state === 'running' || starting.peek();
    await pause(running ? POLL_RUNNING_MS : POLL_IDLE_MS);
  }
}

/** Reads the state once, or until its stream ends. */
async function readState(abort: AbortSignal): Promise<void> {
  try {
    const answer = await api.watchWarmup(abort);
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!isStream || answer.body === null) {
      applyState(((await answer.json()) as { data: Warmup | null }).data);
      return;
    }

    for await (const { event, data } of readServerEvents(answer.body)) {
      if (event === 'problem') statusProblem.value = new Problem(503, JSON.parse(data) as string);
      else applyState(parseState(data));
    }
  } catch (error) {
    if (!isAborted(error)) statusProblem.value = asProblem(error);
  }
}

/** Parses the data of an event, which is a warmup or the whole answer of `GET /warmup`. */
export function parseState(data: string): Warmup | null {
  const parsed = JSON.parse(data) as { data?: Warmup | null } | Warmup | null;
  return parsed !== null && 'data' in parsed ? (parsed.data ?? null) : (parsed as Warmup | null);
}

function applyState(warmup: Warmup | null): void {
  const before = current.peek();
  current.value = warmup;
  statusProblem.value = null;
  // The application can be reached again, so the plan can be read, too.
  if (planProblem.peek()?.unsupported === false) void loadPlan();

  if (before?.state === 'running' && warmup !== null && warmup.state !== 'running') {
    announce(`Warmup ${warmup.state}: ${formatCount(warmup.keysCreated, 'key')} created`);
    void loadPlan();
  }
}
