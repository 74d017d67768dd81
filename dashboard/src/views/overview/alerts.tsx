// Alerts, in the application's own words, each with advice and a link to the view that helps.
import type { Alert, Stats } from '../../api/types';
import { formatNumber, formatSeconds } from '../../lib/format';
import { health, now } from '../../state/live';
import { href } from '../../state/route';
import { AlertBox } from '../../ui/alert-box';
import { type Help, HELP, STATES } from '../alert-help';
import { refusedWrites } from '../states';

export function Alerts({ stats }: { stats: Stats }) {
  // The banner above every view describes full memory.
  const isFull = refusedWrites(health.value.value)?.canClear === true;
  const alerts = stats.alerts.filter(({ kind }) => kind !== 'memory' || !isFull);
  if (stats.alerts.length === 0 && stats.unknown.length === 0) {
    return <p class="all-well">No alerts: memory, latency, evictions and hit rate are within their limits.</p>;
  }

  return (
    <section aria-label="Alerts">
      <UnknownFigures stats={stats} />
      <ul class="alerts">
        {alerts.map((alert) => (
          <AlertItem key={alert.kind} alert={alert} help={HELP[alert.kind]} />
        ))}
      </ul>
      <p class="muted">
        <a href={href('alerts')}>Messages about alerts</a>
      </p>
    </section>
  );
}

/** Figures that cannot be compared with their limits are listed, so that "no alerts" does not hide them. */
function UnknownFigures({ stats: { alerts, unknown } }: { stats: Stats }) {
  if (unknown.length === 0) return null;

  return (
    <p class="muted">
      {alerts.length === 0 && 'No alerts, but some figures could not be checked. '}
      Unknown: {unknown.map(({ field, reason }) => `${field} (${reason})`).join('; ')}.
    </p>
  );
}

function AlertItem({ alert, help }: { alert: Alert; help: Help }) {
  const figures = `${formatNumber(alert.value)} ${help.unit}, limit ${formatNumber(alert.threshold)}`;

  return (
    <li>
      <AlertBox
        tone={STATES.has(alert.kind) ? 'bad' : 'warn'}
        title={help.title}
        figure={alert.since === null ? figures : `${figures} · for ${durationSince(alert.since)}`}
        cause={alert.message}
        action={
          <>
            {help.advice} <a href={help.to}>{help.link}</a>
          </>
        }
      />
    </li>
  );
}

function durationSince(at: string): string {
  return formatSeconds(Math.max(0, Math.round((now.value - Date.parse(at)) / 1000)));
}
