// Alerts, in the application's own words, each with advice and a link to the view that helps.
import type { Alert, Stats } from '../../api/types';
import { formatNumber } from '../../lib/format';
import { href } from '../../state/route';
import { devTools } from '../../state/settings';

interface Help {
  title: string;
  unit: string;
  advice: string;
  link: string;
  to: string;
  /** Runs before the link is followed. */
  onFollow?: () => void;
}

const HELP: Record<Alert['kind'], Help> = {
  slots: {
    title: 'The Cluster does not serve all slots',
    unit: 'slots',
    advice: 'Their keys can be neither read nor stored. Start the failed primary again, or promote a replica.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  node: {
    title: 'A primary of the Cluster does not answer',
    unit: 'primaries',
    advice: 'Its keys can be neither read nor stored until it answers or a replica takes over. The figures lack it.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  replica_link: {
    title: 'A replica does not follow its primary',
    unit: 'replicas',
    advice: 'If the primary fails now, data is lost or nothing takes over. Check the replica and its network.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  replica: {
    title: 'This Redis is a replica',
    unit: 's behind',
    advice: 'Nothing can be stored, cleared or invalidated through a replica. Point redis_host at the primary.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  memory: {
    title: 'Memory is nearly full',
    unit: '%',
    advice: 'Clear keys that are no longer needed, or raise maxmemory. The key browser can sort loaded keys by size.',
    link: 'Find large keys',
    to: href('keys', { sort: 'size' }),
  },
  latency: {
    title: 'Redis responds slowly',
    unit: 'ms',
    advice: 'Look for slow commands (SLOWLOG GET), a busy machine or a slow network.',
    link: 'See the cost of each call',
    to: href('dev'),
    onFollow: () => (devTools.value = true),
  },
  evictions: {
    title: 'Keys are evicted before they expire',
    unit: 'keys per minute',
    advice: 'The cache does not fit into memory: raise maxmemory, shorten the TTL of large values, or clear some keys.',
    link: 'Clear by pattern',
    to: href('clear'),
  },
  hit_rate: {
    title: 'Few lookups are hits',
    unit: '%',
    advice: 'TTLs may be too short, keys cleared too often, or the cache not warmed up after a restart.',
    link: 'Warm up the cache',
    to: href('warmup'),
  },
};

export function Alerts({ stats }: { stats: Stats }) {
  if (stats.alerts.length === 0 && stats.unknown.length === 0) {
    return <p class="all-well">No alerts: memory, latency, evictions and hit rate are within their limits.</p>;
  }

  return (
    <section aria-label="Alerts">
      <UnknownFigures stats={stats} />
      <ul class="alerts">
        {stats.alerts.map((alert) => (
          <AlertItem key={alert.kind} alert={alert} help={HELP[alert.kind]} />
        ))}
      </ul>
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
      <strong>{help.title}</strong> <span class="muted">{figures}</span>
      <p>{alert.message}</p>
      <p class="muted">
        {help.advice}{' '}
        <a href={help.to} onClick={help.onFollow}>
          {help.link}
        </a>
      </p>
    </li>
  );
}
