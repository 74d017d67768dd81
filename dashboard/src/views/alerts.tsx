// What an operator should look at, in the application's words, with the way to where something can be done about it.
import type { Alert, Stats } from '../api/types';
import { number } from '../lib/format';
import { href } from '../state/route';

const HELP: Record<Alert['kind'], { title: string; unit: string; advice: string; link: string; to: string }> = {
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
          <li key={alert.kind}>
            <strong>{HELP[alert.kind].title}</strong>
            <span class="muted">
              {' '}
              {number(alert.value)} {HELP[alert.kind].unit}, limit {number(alert.threshold)}
            </span>
            <p>{alert.message}</p>
            <p class="muted">
              {HELP[alert.kind].advice} <a href={HELP[alert.kind].to}>{HELP[alert.kind].link}</a>
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
