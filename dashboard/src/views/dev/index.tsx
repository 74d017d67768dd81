// Tools for developers: shown with `?dev` in the address or the switch at the top.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import { modulesOf } from '../../lib/ttl-table';
import { Action } from '../../ui/action';
import { Empty, Trouble } from '../../ui/notes';
import type { Plan } from '../clear/plan';
import { PreviewPanel } from '../clear/preview';
import { busy, forgetPreview, look, problem as clearProblem, results, shown } from '../clear/store';
import { Progress } from '../warmup/progress';
import { current, plan, problem as warmupProblem, start, starting, watch } from '../warmup/store';
import { Calls } from './calls';
import { Inspector } from './inspector';

export function DevTools() {
  useEffect(() => {
    forgetPreview();
    return forgetPreview;
  }, []);
  useEffect(watch, []);
  return (
    <div class="dev">
      <div class="view-head">
        <h1>DevTools</h1>
        <span class="muted">For whoever writes a service on this cache. The rules and roles are the same.</span>
      </div>
      <Inspector />
      <div class="pair">
        <ClearByModule />
        <ForceWarmup />
      </div>
      <Calls />
    </div>
  );
}

function ClearByModule() {
  const [modules, setModules] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    api.ttlTable().then(
      (table) => setModules(modulesOf(table)),
      (error: unknown) => setProblem(asProblem(error)),
    );
  }, []);
  const planOf = (name: string): Plan => ({ by: 'pattern', text: `${name}:*` });
  const last = results.value[0];
  return (
    <section class="card" aria-label="Clear by module">
      <h2>Clear by module</h2>
      <p class="muted">The modules of the TTL table. What would go is shown first.</p>
      {problem && <Trouble problem={problem} what="Reading the TTL table" />}
      <div class="row wrap-row">
        {modules.map((name) => (
          <Action
            key={name}
            small
            needs="operator"
            busy={busy.value !== '' && shown.value?.plan.text === `${name}:*`}
            onAct={() => void look(planOf(name))}
          >
            {name}:*
          </Action>
        ))}
      </div>
      {clearProblem.value && <Trouble problem={clearProblem.value} what="Clearing" />}
      {shown.value && <PreviewPanel preview={shown.value} />}
      {!shown.value && last && (
        <p>
          Removed {last.deleted} keys in {last.duration}: {last.what}
        </p>
      )}
    </section>
  );
}

function ForceWarmup() {
  const names = (plan.value ?? current.value)?.modules.map((module) => module.name) ?? [];
  const running = starting.value || current.value?.state === 'running';
  return (
    <section class="card" aria-label="Force a warmup">
      <h2>Force a warmup</h2>
      <p class="muted">Writes a module's keys again, whether they exist or not.</p>
      {warmupProblem.value && <Trouble problem={warmupProblem.value} what="The warmup" />}
      {names.length === 0 && <Empty>The modules are not known before the first warmup.</Empty>}
      <div class="row wrap-row">
        <Action small kind="primary" needs="admin" busy={running} onAct={() => void start({ force: true })}>
          Everything
        </Action>
        {names.map((name) => (
          <Action
            key={name}
            small
            needs="admin"
            busy={running}
            onAct={() => void start({ modules: [name], force: true })}
          >
            {name}
          </Action>
        ))}
      </div>
      {current.value && <Progress state={current.value} />}
    </section>
  );
}
