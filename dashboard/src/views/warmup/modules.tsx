// The modules that can be warmed up: what each loads, and how its last run went.
import { useState } from 'preact/hooks';
import type { PlannedModule } from '../../api/types';
import { ago, milliseconds, number, plural, ttl } from '../../lib/format';
import { now } from '../../state/live';
import { Check } from '../../ui/check';
import { Table } from '../../ui/table';
import { plan } from './store';

interface Props {
  names: readonly string[];
  chosen: ReadonlySet<string>;
  onChoose: (chosen: ReadonlySet<string>) => void;
  disabled: boolean;
}

export function Modules({ names, chosen, onChoose, disabled }: Props) {
  if (names.length === 0) return null;
  const toggle = (name: string, on: boolean): void => {
    const next = new Set(chosen);
    if (on) next.add(name);
    else next.delete(name);
    onChoose(next);
  };
  return (
    <section aria-label="Modules">
      <h2>Modules</h2>
      <p class="muted">None chosen means all of them, in this order.</p>
      <ul class="modules">
        {names.map((name) => (
          <li key={name}>
            <Check checked={chosen.has(name)} disabled={disabled} onChange={(on) => toggle(name, on)}>
              <strong>{name}</strong>
            </Check>
            <Planned module={plan.value?.modules.find((module) => module.name === name)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Planned({ module }: { module: PlannedModule | undefined }) {
  const [open, setOpen] = useState(false);
  if (module === undefined) return null;
  const { lastRun, entries } = module;
  return (
    <>
      <span class="muted num">
        {lastRun === null
          ? 'not run yet'
          : `${lastRun.state} ${ago(lastRun.finishedAt, now.value)} by ${lastRun.by}: ${number(lastRun.keysCreated)} created, ` +
            `${number(lastRun.keysSkipped)} left alone, ${plural(lastRun.errors, 'error')}, ${milliseconds(lastRun.durationMs)}`}
      </span>
      <button type="button" class="button quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
        {plural(entries.length, 'entry', 'entries')}
      </button>
      {open && (
        <Table label={`Entries of ${module.name}`} heads={['Key', 'Shape', 'Source', 'TTL', 'Tags']}>
          {entries.map((entry) => (
            <tr key={entry.key}>
              <td class="mono">{entry.key}</td>
              <td>{entry.shape}</td>
              <td class="mono source">{entry.source}</td>
              <td class="num">{entry.ttlSeconds === null ? 'by the table' : ttl(entry.ttlSeconds)}</td>
              <td>{entry.tags.join(', ')}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  );
}
