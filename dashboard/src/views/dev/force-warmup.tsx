// Buttons that warm up one module or all of them, overwriting existing keys.
import { Action, Actions } from '../../ui/action';
import { Empty, Failure } from '../../ui/notes';
import { Progress } from '../warmup/progress';
import { current, isRunning, moduleNames, problem, startWarmup } from '../warmup/store';

export function ForceWarmup() {
  const modules = moduleNames();

  return (
    <section class="card" aria-label="Force a warmup">
      <h2>Force a warmup</h2>
      <p class="muted">Writes the keys of a module again, even if they exist.</p>
      {problem.value && <Failure problem={problem.value} action="The warmup" />}
      {modules.length === 0 && current.value === null && (
        <Empty>The modules are not known before the first warmup.</Empty>
      )}
      <ModuleButtons modules={modules} />
      {current.value && <Progress warmup={current.value} />}
    </section>
  );
}

function ModuleButtons({ modules }: { modules: readonly string[] }) {
  return (
    <Actions needs="admin">
      {(describedBy) => {
        const shared = { small: true, needs: 'admin', describedBy, busy: isRunning() } as const;
        return (
          <>
            <Action {...shared} kind="primary" onAct={() => void startWarmup({ force: true })}>
              Everything
            </Action>
            {modules.map((name) => (
              <Action key={name} {...shared} onAct={() => void startWarmup({ modules: [name], force: true })}>
                {name}
              </Action>
            ))}
          </>
        );
      }}
    </Actions>
  );
}
