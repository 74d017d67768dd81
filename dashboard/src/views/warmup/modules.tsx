// The modules of the plan: a choice of them, their entries, and the result of each one's last run.
import { useState } from 'preact/hooks';
import type { PlannedModule } from '../../api/types';
import { formatCount, formatMilliseconds, formatNumber, formatTtl, timeSince } from '../../lib/format';
import { now } from '../../state/live';
import { Check } from '../../ui/check';
import { num, Table } from '../../ui/table';
import { plan } from './store';

interface Props {
  names: readonly string[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  disabled: boolean;
}

export function Modules({ names, chosen, onChoose, disabled }: Props) {
  const isPlanEmpty = plan.value?.modules.length === 0;
  if (names.length === 0 && !isPlanEmpty) return null;

  const toggle = (name: string, isChosen: boolean): void => {
    const next = new Set(chosen);
    if (isChosen) next.add(name);
    else next.delete(name);
    onChoose(next);
  };

  return (
    <section aria-label="Modules">
      <h2>Modules</h2>
      {isPlanEmpty ? <EmptyPlanNote /> : <SelectionNote />}
      <ul class="modules">
        {names.map((name) => (
          <li key={name}>
            <Check checked={chosen.has(name)} disabled={disabled} onChange={(isChosen) => toggle(name, isChosen)}>
              <strong>{name}</strong>
            </Check>
            <Planned module={plan.value?.modules.find((module) => module.name === name)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function SelectionNote() {
  return <p class="muted">Select the modules to warm up. When none is selected, all are warmed up in this order.</p>;
}

function EmptyPlanNote() {
  return (
    <p class="muted">
      The plan has no modules, so there is nothing to warm up. Write a plan into edge-cache.toml; docs/warmup.md
      describes how.
    </p>
  );
}

function Planned({ module }: { module: PlannedModule | undefined }) {
  const [open, setOpen] = useState(false);
  if (module === undefined) return null;

  return (
    <>
      <span class="muted num">{describeLastRun(module)}</span>
      <button type="button" class="button quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
        {formatCount(module.entries.length, 'entry', 'entries')}
      </button>
      {open && <Entries module={module} />}
    </>
  );
}

function describeLastRun({ lastRun }: PlannedModule): string {
  if (lastRun === null) return 'not run yet';

  const { state, by, finishedAt, durationMs, keysCreated, keysSkipped, errors } = lastRun;
  const counts = [
    `${formatNumber(keysCreated)} created`,
    `${formatNumber(keysSkipped)} already cached`,
    formatCount(errors, 'error'),
    formatMilliseconds(durationMs),
  ];
  return `${state} ${timeSince(finishedAt, now.value)} by ${by}: ${counts.join(', ')}`;
}

function Entries({ module }: { module: PlannedModule }) {
  return (
    <Table label={`Entries of ${module.name}`} heads={['Key', 'Shape', 'Source', num('TTL'), 'Tags']}>
      {module.entries.map((entry) => (
        <tr key={entry.key}>
          <td class="mono">{entry.key}</td>
          <td>{entry.shape}</td>
          <td class="mono source">{entry.source}</td>
          <td class="num">{entry.ttlSeconds === null ? 'from the TTL table' : formatTtl(entry.ttlSeconds)}</td>
          <td>{entry.tags.join(', ')}</td>
        </tr>
      ))}
    </Table>
  );
}
