// The charts: of a range of the history, or live, of the statistics since the page was opened.
import type { Alert, History, Stats } from '../../api/types';
import { formatBytes, formatMilliseconds, formatNumber, formatSeconds } from '../../lib/format';
import { samples } from '../../state/live';
import { navigate } from '../../state/route';
import { rangeOf } from '../../state/samples';
import { Chart } from '../../ui/chart';
import type { ChartMark } from '../../ui/marks';
import { addressOfWindow } from './ranges';
import { columnsOf, loadTimesOf } from './series';

/** Powers of two, so that labels in units of 1,024 are round. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Somewhat above 100 %, so that a full hit rate is visible below the edge. */
const PERCENT_VALUES: [number, number] = [0, 105];

const formatPercent = (value: number): string => `${Math.round(value * 10) / 10} %`;

/** A range that ends so long ago at most ends now. */
const RECENT_MS = 180_000;

interface PastProps {
  history: History;
  marks: readonly ChartMark[];
  stats: Stats;
  dates: boolean;
}

export function PastCharts({ history, marks, stats, dates }: PastProps) {
  const columns = columnsOf(history);
  const range: [number, number] = [Date.parse(history.from) / 1000, Date.parse(history.to) / 1000];
  const common = { at: columns.at, marks, range, dates, onZoom: zoom };
  // Of a window of the past, the last figures are not those of now.
  const last = Date.now() - Date.parse(history.to) > RECENT_MS ? 'at last' : 'now';
  const summary = (column: readonly (number | null)[], format: (value: number) => string, nothing?: string): string =>
    describe(column, format, nothing, last);
  const one = (label: string, values: (number | null)[]) => [{ label, values }];
  const limitOf = (kind: Alert['kind'], format: (value: number) => string) => alertLimit(stats, kind, format);
  const memoryLimit = stats.maxMemoryBytes
    ? { value: stats.maxMemoryBytes, label: `maxmemory ${formatBytes(stats.maxMemoryBytes)}` }
    : undefined;

  return (
    <div class="charts" role="group" aria-label="Charts">
      <Chart
        {...common}
        hasMarkButtons
        title="Hit rate"
        series={[
          { label: 'services', values: columns.services },
          { label: 'Redis', values: columns.redis },
        ]}
        format={formatPercent}
        values={PERCENT_VALUES}
        limit={limitOf('hit_rate', formatPercent)}
        summary={summary(columns.services, formatPercent, summary(columns.redis, formatPercent, 'no lookups'))}
      />
      <Chart
        {...common}
        title="Load time"
        series={[{ label: 'all modules', values: columns.loadMs }, ...loadTimesOf(history)]}
        format={formatMilliseconds}
        summary={summary(columns.loadMs, formatMilliseconds, 'no loads')}
      />
      <Chart
        {...common}
        title="Memory"
        series={one('used', columns.memory)}
        format={formatBytes}
        steps={BYTE_STEPS}
        limit={memoryLimit}
        summary={summary(columns.memory, formatBytes)}
      />
      <Chart
        {...common}
        title="Keys"
        series={[
          { label: 'all', values: columns.keys },
          { label: 'without a TTL', values: columns.withoutTtl },
        ]}
        format={formatNumber}
        summary={summary(columns.keys, formatNumber)}
      />
      <Chart
        {...common}
        title="Commands per second"
        series={one('commands', columns.commands)}
        format={formatNumber}
        summary={summary(columns.commands, formatNumber)}
      />
      <Chart
        {...common}
        title="Longest PING"
        series={one('longest', columns.latency)}
        format={formatMilliseconds}
        limit={limitOf('latency', formatMilliseconds)}
        summary={summary(columns.latency, formatMilliseconds)}
      />
      <Chart
        {...common}
        title="Keys per minute"
        series={[
          { label: 'evicted', values: columns.evictions },
          { label: 'expired', values: columns.expiries },
        ]}
        format={formatNumber}
        limit={limitOf('evictions', formatNumber)}
        summary={`evicted ${summary(columns.evictions, formatNumber)}`}
      />
    </div>
  );
}

function zoom(from: number, to: number): void {
  navigate('overview', addressOfWindow(from * 1000, Math.min(to * 1000, Date.now())));
}

/** The threshold of an alert that is raised. */
function alertLimit({ alerts }: Stats, kind: Alert['kind'], format: (value: number) => string) {
  const alert = alerts.find((raised) => raised.kind === kind);
  return alert && { value: alert.threshold, label: `limit ${format(alert.threshold)}` };
}

export function LiveCharts() {
  const { at, hitRate, recentHitRate, memory, ops, latency } = samples.value;

  return (
    <div class="charts" role="group" aria-label="Charts">
      <LiveNote />
      <Chart
        title="Hit rate"
        at={at}
        series={[
          { label: 'last minutes', values: hitRate },
          { label: 'since the last point, all clients', values: recentHitRate },
        ]}
        format={formatPercent}
        values={PERCENT_VALUES}
        summary={describe(hitRate, formatPercent, 'no lookups yet')}
      />
      <Chart
        title="Memory"
        at={at}
        series={[{ label: 'used', values: memory }]}
        format={formatBytes}
        steps={BYTE_STEPS}
        summary={describe(memory, formatBytes)}
      />
      <Chart
        title="Commands per second"
        at={at}
        series={[{ label: 'commands', values: ops }]}
        format={formatNumber}
        summary={describe(ops, formatNumber)}
      />
      <Chart
        title="Latency of PING"
        at={at}
        series={[{ label: 'ms', values: latency }]}
        format={formatMilliseconds}
        summary={describe(latency, formatMilliseconds)}
      />
    </div>
  );
}

function LiveNote() {
  const { at } = samples.value;
  const seconds = (at.at(-1) ?? 0) - (at.at(0) ?? 0);

  return (
    <p class="muted charts-head">
      {seconds < 5
        ? 'Live charts begin when this page is opened.'
        : `The last ${formatSeconds(Math.round(seconds))}, one point every 5 s.`}{' '}
      They pause while the page is hidden.
    </p>
  );
}

function describe(
  column: readonly (number | null)[],
  format: (value: number) => string,
  nothing = 'no data yet',
  last = 'now',
): string {
  const range = rangeOf(column);
  if (range === null) return nothing;

  const min = format(range.min);
  const max = format(range.max);
  const current = `${last} ${format(range.last)}`;
  return min === max ? current : `${current}, from ${min} to ${max}`;
}
