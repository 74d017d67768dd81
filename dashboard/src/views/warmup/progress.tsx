// The warmup under way, or how the last one went.
import type { Warmup, WarmupModule } from '../../api/types';
import { ago, bytes, number, plural, seconds } from '../../lib/format';
import { now } from '../../state/live';
import { Badge } from '../../ui/notes';
import { Bar } from '../../ui/bar';

const TONES: Record<Warmup['state'], 'ok' | 'warn' | 'bad' | 'info'> = {
  running: 'info',
  done: 'ok',
  failed: 'bad',
  interrupted: 'warn',
  cancelled: 'warn',
};

export function Progress({ state }: { state: Warmup }) {
  const done = share(state.modules);
  return (
    <section class="card progress" aria-label={state.dryRun ? 'Dry run' : 'Latest warmup'}>
      <p class="row">
        <Badge tone={TONES[state.state]}>{state.dryRun ? `${state.state}, dry run` : state.state}</Badge>
        <span class="grow">
          by <strong>{state.by}</strong> {ago(state.startedAt, now.value)}
          {state.force && ', forced'}
        </span>
        <span class="num muted">{state.duration}</span>
      </p>
      {state.state === 'running' && (
        <Bar label="Progress of the warmup" percent={done} text={`${Math.round(done)} %`} />
      )}
      <p class="num">
        {plural(state.keysCreated, 'key')} {state.dryRun ? 'would be created' : 'created'}, {number(state.keysSkipped)}{' '}
        left alone, <span class={state.errors > 0 ? 'error' : ''}>{plural(state.errors, 'error')}</span>,{' '}
        {bytes(state.bytes)}
        {pace(state)}
      </p>
      {state.error && <p class="error">{state.error}</p>}
      {state.state === 'interrupted' && (
        <p class="muted">Its instance went away without a word. Start it again: what was written stays.</p>
      )}
      <ul class="module-progress">
        {state.modules.map((module) => (
          <ModuleLine key={module.name} module={module} />
        ))}
      </ul>
    </section>
  );
}

function pace(state: Warmup): string {
  if (state.state !== 'running') return '';
  const left = state.estimatedSecondsLeft;
  return ` · ${number(state.keysPerSecond)} keys a second${left === null ? '' : ` · about ${seconds(left)} left`}`;
}

function share(modules: readonly WarmupModule[]): number {
  const total = modules.reduce((sum, module) => sum + module.entriesTotal, 0);
  return total === 0 ? 0 : (modules.reduce((sum, module) => sum + module.entriesDone, 0) / total) * 100;
}

function ModuleLine({ module }: { module: WarmupModule }) {
  const percent = module.entriesTotal === 0 ? 100 : (module.entriesDone / module.entriesTotal) * 100;
  return (
    <li>
      <span class="name">{module.name}</span>
      <Bar
        label={`Progress of ${module.name}`}
        percent={percent}
        tone={module.errors > 0 ? 'bad' : 'ok'}
        text={`${module.state}, ${module.entriesDone} of ${module.entriesTotal} entries`}
      />
      <span class="num muted">
        {module.entriesDone}/{module.entriesTotal} · {plural(module.keysCreated, 'key')}
      </span>
      {module.firstError && <span class="error">{module.firstError}</span>}
    </li>
  );
}
