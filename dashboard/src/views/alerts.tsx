// What an operator should look at, in the application's words, with the way to where something can be done about it.
import type { Alert, Stats } from '../api/types';
import { number } from '../lib/format';
import { href } from '../state/route';
import { dev } from '../state/settings';

interface Help {
  title: string;
  unit: string;
  advice: string;
  link: string;
  to: string;
  /** What has to be so before `to` can be shown. */
  first?: () => void;
}

const HELP: Record<Alert['kind'], Help> = {
  memory: {
    title: 'Memory is nearly full',
    unit: '%',
    advice: 'Clear what is not needed, or raise maxmemory. The key browser can sort what is loaded by size.',
    link: 'Find large keys',
    to: href('keys', { sort: 'size' }),
  },
  latency: {
    title: 'Redis answers slowly',
    unit: 'ms',
    advice: 'Look for slow commands (SLOWLOG GET), a busy machine, or a long way over the network.',
    link: 'See what each call costs',
    to: href('dev'),
    first: () => (dev.value = true),
  },
  evictions: {
    title: 'Keys are evicted before they expire',
    unit: 'keys a minute',
    advice: 'Memory is too small for what is kept: raise maxmemory, shorten the life of large values, or clear some.',
    link: 'Clear by pattern',
    to: href('clear'),
  },
  hit_rate: {
    title: 'Few look-ups find their key',
    unit: '%',
    advice: 'Values may live too short, be cleared too often, or not be warmed up after a restart.',
    link: 'Warm the cache up',
    to: href('warmup'),
  },
};

export function Alerts({ stats }: { stats: Stats }) {
  if (stats.alerts.length === 0) {
    return <p class="all-well">No alerts: memory, latency, evictions and hit rate are within their limits.</p>;
  }
  return (
    <section aria-label="Alerts">
      <ul class="alerts">
        {stats.alerts.map((alert) => (
          <Told key={alert.kind} alert={alert} help={HELP[alert.kind]} />
        ))}
      </ul>
    </section>
  );
}

function Told({ alert, help }: { alert: Alert; help: Help }) {
  return (
    <li>
      <strong>{help.title}</strong>{' '}
      <span class="muted">
        {number(alert.value)} {help.unit}, limit {number(alert.threshold)}
      </span>
      <p>{alert.message}</p>
      <p class="muted">
        {help.advice}{' '}
        <a href={help.to} onClick={help.first}>
          {help.link}
        </a>
      </p>
    </li>
  );
}
