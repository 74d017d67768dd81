// Charts of the statistics since the page was opened.
import { formatBytes, formatMilliseconds, formatNumber, formatSeconds } from '../../lib/format';
import { samples } from '../../state/live';
import { rangeOf } from '../../state/samples';
import { Chart } from '../../ui/chart';

/** Powers of two, so that labels in units of 1,024 are round. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);
/** Somewhat above 100 %, so that a full hit rate is visible below the edge. */
const PERCENT_RANGE: [number, number] = [0, 105];

const formatPercent = (value: number): string => `${Math.round(value * 10) / 10} %`;

export function Charts() {
  const { at, memory, ops, latency } = samples.value;

  return (
    <section class="charts" aria-label="Charts">
      <Heading />
      <HitRateChart />
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
    </section>
  );
}

function Heading() {
  const { at } = samples.value;
  const seconds = (at.at(-1) ?? 0) - (at.at(0) ?? 0);

  return (
    <p class="muted charts-head">
      {seconds < 5
        ? 'The history begins when this page is opened.'
        : `The last ${formatSeconds(Math.round(seconds))}, one point every 5 s.`}{' '}
      Charts pause while the page is hidden.
    </p>
  );
}

function HitRateChart() {
  const { at, hitRate, recentHitRate } = samples.value;

  return (
    <Chart
      title="Hit rate"
      at={at}
      series={[
        { label: 'last minutes', values: hitRate },
        { label: 'since the last point, all clients', values: recentHitRate },
      ]}
      format={formatPercent}
      range={PERCENT_RANGE}
      summary={describe(hitRate, formatPercent, 'no lookups yet')}
    />
  );
}

function describe(
  column: readonly (number | null)[],
  format: (value: number) => string,
  nothing = 'no data yet',
): string {
  const range = rangeOf(column);
  if (range === null) return nothing;

  const min = format(range.min);
  const max = format(range.max);
  const current = `now ${format(range.last)}`;
  return min === max ? current : `${current}, from ${min} to ${max}`;
}
