// Buttons that clear the keys of one module, after a preview.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { formatMilliseconds } from '../../lib/format';
import { Action, Actions } from '../../ui/action';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { PreviewPanel } from '../clear/preview';
import { describeRemoval } from '../clear/removal';
import { StartedJobs } from '../clear/results';
import { busy, currentPreview, problem as clearProblem, removals, showPreview } from '../clear/store';
import { SelectionSummary } from '../clear/summary';
import { modulesOf } from '../ttl/rows';

export function ClearByModule() {
  const [modules, setModules] = useState<readonly string[]>([]);
  const { problem, run } = useTask();
  const load = (): Promise<void> => run(async () => setModules(modulesOf(await api.getTtlTable())));
  useEffect(() => void load(), []);

  const preview = currentPreview.value;
  return (
    <section class="card" aria-label="Clear by module">
      <h2>Clear by module</h2>
      <p class="muted">The modules of the TTL table. Preview first; nothing is deleted until you confirm.</p>
      {problem && <Failure problem={problem} action="Reading the TTL table" retry={() => void load()} />}
      <ModuleButtons modules={modules} />
      {clearProblem.value && <Failure problem={clearProblem.value} action={preview ? 'Clearing' : 'The preview'} />}
      {preview ? <PreviewPanel key={preview.selection.text} preview={preview} /> : <LastRemoval />}
      <StartedJobs />
    </section>
  );
}

function ModuleButtons({ modules }: { modules: readonly string[] }) {
  const [chosen, setChosen] = useState('');
  const choose = (module: string): void => {
    setChosen(module);
    void showPreview({ by: 'pattern', text: `${module}:*` });
  };

  return (
    <Actions needs="operator">
      {(describedBy) =>
        modules.map((module) => (
          <Action
            key={module}
            small
            needs="operator"
            describedBy={describedBy}
            busy={busy.value === 'preview' && chosen === module}
            onAct={() => choose(module)}
          >
            {module}:*
          </Action>
        ))
      }
    </Actions>
  );
}

function LastRemoval() {
  const last = removals.value[0];
  if (last === undefined) return null;

  return (
    <p>
      {describeRemoval(last)} in {formatMilliseconds(last.durationMs)}: <SelectionSummary selection={last.selection} />
    </p>
  );
}
