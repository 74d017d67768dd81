// Warming up the cache: start and cancel, progress, the modules of the plan, and the schedule.
import { useEffect, useState } from 'preact/hooks';
import { formatCount } from '../../lib/format';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { Empty, Failure, Loading } from '../../ui/notes';
import { Modules } from './modules';
import { Progress } from './progress';
import { Schedule } from './schedule';
import {
  cancelling,
  cancelWarmup,
  current,
  dryRun,
  isRunning,
  moduleNames,
  problem,
  starting,
  startWarmup,
  statusProblem,
  watchWarmups,
} from './store';

export function Warmup() {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  useEffect(watchWarmups, []);
  const warmup = current.value;

  return (
    <div class="warmup">
      <div class="view-head">
        <h1>Warmup</h1>
        <span class="muted">Loads entries from their sources before services ask for them.</span>
      </div>
      {problem.value && <Failure problem={problem.value} action="The warmup" />}
      {statusProblem.value && <Failure problem={statusProblem.value} action="Reading the state of warmups" />}
      <Start chosen={chosen} />
      {warmup === undefined && statusProblem.value === null && <Loading what="the state of warmups" />}
      {warmup === null && !starting.value && <Empty>There has been no warmup yet.</Empty>}
      {dryRun.value && <Progress warmup={dryRun.value} />}
      {warmup && <Progress warmup={warmup} />}
      <Modules names={moduleNames()} chosen={chosen} onChoose={setChosen} disabled={isRunning()} />
      <Schedule />
    </div>
  );
}

function Start({ chosen }: { chosen: ReadonlySet<string> }) {
  const [force, setForce] = useState(false);
  const [isDryRun, setDryRun] = useState(false);
  const modules = [...chosen];
  const target = modules.length === 0 ? 'everything' : formatCount(modules.length, 'module');

  const start = (): void => {
    const options = { ...(force && { force }), ...(isDryRun && { dryRun: isDryRun }) };
    void startWarmup({ ...(modules.length > 0 && { modules }), ...options });
  };

  return (
    <section class="card start" aria-label="Start a warmup">
      <Check checked={force} onChange={setForce}>
        Force: overwrite existing keys
      </Check>
      <Check checked={isDryRun} onChange={setDryRun}>
        Dry run: count the keys, write nothing
      </Check>
      <div class="row">
        <Action kind="primary" needs="admin" busy={isRunning()} onAct={start}>
          {isDryRun ? 'Start dry run of' : 'Warm up'} {target}
        </Action>
        {current.value?.state === 'running' && (
          <Action needs="admin" busy={cancelling.value} onAct={() => void cancelWarmup()}>
            Cancel
          </Action>
        )}
      </div>
    </section>
  );
}
