// Tools for developers: shown with `?dev` in the address or the switch at the top.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { plural } from '../../lib/format';
import { modulesOf } from '../../lib/ttl-table';
import { Action, Actions } from '../../ui/action';
import { Empty, Trouble } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
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
  const { problem, run } = useTask();
  const read = (): Promise<void> => run(async () => setModules(modulesOf(await api.ttlTable())));
  useEffect(() => void read(), []);
  const [asked, setAsked] = useState('');
  const ask = (name: string): void => {
    setAsked(name);
    void look({ by: 'pattern', text: `${name}:*` });
  };
  const last = results.value[0];
  return (
    <section class="card" aria-label="Clear by module">
      <h2>Clear by module</h2>
      <p class="muted">The modules of the TTL table. What would go is shown first.</p>
      {problem && <Trouble problem={problem} what="Reading the TTL table" retry={() => void read()} />}
      <Actions needs="operator">
        {(saidBy) =>
          modules.map((name) => (
            <Action
              key={name}
              small
              needs="operator"
              saidBy={saidBy}
              busy={busy.value === 'preview' && asked === name}
              onAct={() => ask(name)}
            >
              {name}:*
            </Action>
          ))
        }
      </Actions>
      {clearProblem.value && <Trouble problem={clearProblem.value} what={shown.value ? 'Clearing' : 'The preview'} />}
      {shown.value && <PreviewPanel preview={shown.value} />}
      {!shown.value && last && (
        <p>
          Removed {plural(last.deleted, 'key')} in {last.duration}: {last.what}
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
      {names.length === 0 && current.value === null && (
        <Empty>The modules are not known before the first warmup.</Empty>
      )}
      <Actions needs="admin">
        {(saidBy) => {
          const shared = { small: true, needs: 'admin', saidBy, busy: running } as const;
          return (
            <>
              <Action {...shared} kind="primary" onAct={() => void start({ force: true })}>
                Everything
              </Action>
              {names.map((name) => (
                <Action key={name} {...shared} onAct={() => void start({ modules: [name], force: true })}>
                  {name}
                </Action>
              ))}
            </>
          );
        }}
      </Actions>
      {current.value && <Progress state={current.value} />}
    </section>
  );
}
