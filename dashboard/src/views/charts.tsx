// The history since the page was opened.
import { Chart } from '../ui/chart';
import { bytes, number, seconds } from '../lib/format';
import { extent } from '../lib/samples';
import { samples } from '../state/live';

/** Powers of two, so that the labels stay round in powers of 1,024. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

const percent = (value: number): string => `${Math.round(value * 10) / 10} %`;
const ms = (value: number): string => `${number(value)} ms`;

export function Charts() {
  const s = samples.value;
  const [first, last] = [s.at.at(0), s.at.at(-1)];
  const span = first === undefined || last === undefined ? 0 : last - first;
  return (
    <section class="charts" aria-label="Charts">
      <p class="muted charts-head">
        {span < 5
          ? 'The history begins when this page is opened.'
          : `The last ${seconds(Math.round(span))}, a point every 5 s.`}{' '}
        Charts pause while the page is hidden.
      </p>
      <Chart
        title="Hit rate"
        at={s.at}
        lines={[
          { label: 'since Redis started', values: s.hitRate },
          { label: 'since the last point', values: s.recentHitRate },
        ]}
        format={percent}
        range={[0, 105]}
        summary={describe(s.hitRate, percent, 'no look-up yet')}
      />
      <Chart
        title="Memory"
        at={s.at}
        lines={[{ label: 'used', values: s.memory }]}
        format={bytes}
        steps={BYTE_STEPS}
        summary={describe(s.memory, bytes)}
      />
      <Chart
        title="Commands a second"
        at={s.at}
        lines={[{ label: 'commands', values: s.ops }]}
        format={number}
        summary={describe(s.ops, number)}
      />
      <Chart
        title="Latency of PING"
        at={s.at}
        lines={[{ label: 'ms', values: s.latency }]}
        format={ms}
        summary={describe(s.latency, ms)}
      />
    </section>
  );
}

function describe(
  column: readonly (number | null)[],
  format: (value: number) => string,
  nothing = 'no data yet',
): string {
  const known = extent(column);
  if (known === null) return nothing;
  const [now, least, most] = [known.last, known.least, known.most].map(format);
  return least === most ? `now ${now}` : `now ${now}, from ${least} to ${most}`;
}
