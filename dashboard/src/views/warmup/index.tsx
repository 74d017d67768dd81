// Filling the cache: what can be loaded, how it goes, and when it happens by itself.
import { useEffect, useState } from 'preact/hooks';
import type { Warmup as State } from '../../api/types';
import { ago, clock, plural, seconds, until } from '../../lib/format';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { Empty, Loading, Trouble } from '../../ui/notes';
import { Modules } from './modules';
import { Progress } from './progress';
import {
  cancel,
  cancelling,
  current,
  plan,
  planProblem,
  problem,
  start,
  starting,
  tried,
  unread,
  watch,
} from './store';

export function Warmup() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  useEffect(watch, []);
  const state = current.value;
  const running = state?.state === 'running' || starting.value;
  return (
    <div class="warmup">
      <div class="view-head">
        <h1>Warmup</h1>
        <span class="muted">Loads what services need most from its sources, before they ask.</span>
      </div>
      {problem.value && <Trouble problem={problem.value} what="The warmup" />}
      {unread.value && <Trouble problem={unread.value} what="Reading the state of warmups" />}
      <Start chosen={chosen} running={running} />
      {state === undefined && unread.value === null && <Loading what="the state of warmups" />}
      {state === null && !starting.value && <Empty>There has been no warmup yet.</Empty>}
      {tried.value && <Progress state={tried.value} />}
      {state && <Progress state={state} />}
      <Modules names={names(state)} chosen={chosen} onChoose={setChosen} disabled={running} />
      <Schedule />
    </div>
  );
}

/** From the plan; of an older application, what the last warmup went through. */
function names(state: State | null | undefined): string[] {
  return plan.value?.modules.map((module) => module.name) ?? state?.modules.map((module) => module.name) ?? [];
}

function Start({ chosen, running }: { chosen: ReadonlySet<string>; running: boolean }) {
  const [force, setForce] = useState(false);
  const [dryRun, setDryRun] = useState(false);
  const go = (): void => {
    const modules = [...chosen];
    void start({ ...(modules.length > 0 && { modules }), ...(force && { force }), ...(dryRun && { dryRun }) });
  };
  return (
    <section class="card start" aria-label="Start a warmup">
      <Check checked={force} onChange={setForce}>
        Force: also write keys that exist
      </Check>
      <Check checked={dryRun} onChange={setDryRun}>
        Dry run: only count
      </Check>
      <div class="row">
        <Action kind="primary" needs="admin" busy={running} onAct={go}>
          {dryRun ? 'Try out' : 'Warm up'} {chosen.size === 0 ? 'everything' : plural(chosen.size, 'module')}
        </Action>
        {current.value?.state === 'running' && (
          <Action needs="admin" busy={cancelling.value} onAct={() => void cancel()}>
            Cancel
          </Action>
        )}
      </div>
    </section>
  );
}

const REASONS = {
  empty: 'because the cache was empty',
  restarted: 'because Redis had been restarted',
  retry: 'because the one before had failed',
  due: 'because it was due',
};

function Schedule() {
  const schedule = plan.value?.schedule;
  if (planProblem.value?.unsupported) {
    return <p class="muted">This application does not tell its plan and schedule: it is older than this page.</p>;
  }
  // What keeps the state from being read is told already.
  if (planProblem.value && unread.value) return null;
  if (planProblem.value) return <Trouble problem={planProblem.value} what="Reading the plan" />;
  if (!schedule) return null;
  const at = (time: string): string => `${clock(time)} (${ago(time, now.value)})`;
  return (
    <section aria-label="Schedule">
      <h2>Schedule</h2>
      <dl class="facts">
        <dt>Every</dt>
        <dd>{seconds(schedule.intervalSeconds)}</dd>
        <dt>Last by itself</dt>
        <dd>{schedule.lastAt ? `${at(schedule.lastAt)}, ${REASONS[schedule.lastReason ?? 'due']}` : 'not yet'}</dd>
        <dt>Next</dt>
        <dd>{schedule.nextAt ? `${clock(schedule.nextAt)} (${until(schedule.nextAt, now.value)})` : 'not known'}</dd>
        <dt>Last looked</dt>
        <dd>{schedule.lastCheckAt ? at(schedule.lastCheckAt) : 'not yet; is the scheduled component running?'}</dd>
      </dl>
    </section>
  );
}
