// The progress of the current warmup, or the result of the latest.
import type { Warmup, WarmupModule } from '../../api/types';
import { formatBytes, formatCount, formatMilliseconds, formatNumber, formatSeconds, timeSince } from '../../lib/format';
import { now } from '../../state/live';
import { Badge } from '../../ui/badge';
import { Bar } from '../../ui/bar';

const TONES: Record<Warmup['state'], 'ok' | 'warn' | 'bad' | 'info'> = {
  running: 'info',
  done: 'ok',
  failed: 'bad',
  interrupted: 'warn',
  cancelled: 'warn',
};

export function Progress({ warmup }: { warmup: Warmup }) {
  const percent = percentDone(warmup.modules);

  return (
    <section class="card progress" aria-label={warmup.dryRun ? 'Dry run' : 'Latest warmup'}>
      <p class="row">
        <Badge tone={TONES[warmup.state]}>{warmup.dryRun ? `${warmup.state}, dry run` : warmup.state}</Badge>
        <span class="grow">
          by <strong>{warmup.by}</strong> {timeSince(warmup.startedAt, now.value)}
          {warmup.force && ', forced'}
        </span>
        <span class="num muted">{formatMilliseconds(warmup.durationMs)}</span>
      </p>
      {warmup.state === 'running' && (
        <Bar label="Progress of the warmup" percent={percent} text={`${Math.round(percent)} %`} />
      )}
      <Counts warmup={warmup} />
      {warmup.error && <p class="error">{warmup.error}</p>}
      {warmup.state === 'interrupted' && (
        <p class="muted">Its instance ended without a report. Start it again: keys that were written are kept.</p>
      )}
      <ul class="module-progress">
        {warmup.modules.map((module) => (
          <ModuleLine key={module.name} module={module} />
        ))}
      </ul>
    </section>
  );
}

function Counts({ warmup }: { warmup: Warmup }) {
  return (
    <p class="num">
      {formatCount(warmup.keysCreated, 'key')} {warmup.dryRun ? 'would be created' : 'created'},{' '}
      {formatNumber(warmup.keysSkipped)} already cached,{' '}
      <span class={warmup.errors > 0 ? 'error' : ''}>{formatCount(warmup.errors, 'error')}</span>,{' '}
      {formatBytes(warmup.bytes)}
      {describePace(warmup)}
    </p>
  );
}

function describePace({ state, keysPerSecond, estimatedSecondsLeft: left }: Warmup): string {
  if (state !== 'running') return '';
  return ` · ${formatNumber(keysPerSecond)} keys per second${left === null ? '' : ` · about ${formatSeconds(left)} left`}`;
}

function percentDone(modules: readonly WarmupModule[]): number {
  const total = modules.reduce((sum, module) => sum + module.entriesTotal, 0);
  const done = modules.reduce((sum, module) => sum + module.entriesDone, 0);
  return total === 0 ? 0 : (done / total) * 100;
}

function ModuleLine({ module }: { module: WarmupModule }) {
  const { name, state, entriesDone, entriesTotal, keysCreated, errors, firstError } = module;
  const percent = entriesTotal === 0 ? 100 : (entriesDone / entriesTotal) * 100;

  return (
    <li>
      <span class="name">{name}</span>
      <Bar
        label={`Progress of ${name}`}
        percent={percent}
        tone={errors > 0 ? 'bad' : 'ok'}
        text={`${state}, ${entriesDone} of ${entriesTotal} entries`}
      />
      <span class="num muted">
        {formatNumber(entriesDone)} of {formatNumber(entriesTotal)} · {formatCount(keysCreated, 'key')}
      </span>
      {firstError && <span class="error">{firstError}</span>}
    </li>
  );
}
