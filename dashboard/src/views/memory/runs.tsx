// The last analyses: their totals as charts, and the choice of the one that is shown.
import { useId } from 'preact/hooks';
import type { Analysis } from '../../api/types';
import { formatBytes, formatTime } from '../../lib/format';
import { navigate, route } from '../../state/route';
import { Chart } from '../../ui/chart';
import { formatKeys } from './figures';

const DAY_SECONDS = 86_400;
/** Powers of two, so that labels in units of 1,024 are round. */
const BYTE_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

export function Runs({ runs }: Pick<Analysis, 'runs'>) {
  if (runs.length < 2) return null;
  const at = runs.map(({ endedAt }) => Date.parse(endedAt) / 1000);
  const range: [number, number] = [at[0] ?? 0, at.at(-1) ?? 0];
  const common = { at, range, dates: range[1] - range[0] > DAY_SECONDS };

  return (
    <section aria-label="The last analyses">
      <h2>
        The last {runs.length} analyses <span class="muted">of at most 30</span>
      </h2>
      <div class="charts">
        <Chart
          {...common}
          title="Memory of all keys"
          series={[{ label: 'memory', values: runs.map(({ bytes }) => bytes) }]}
          format={(bytes) => formatBytes(Math.round(bytes))}
          steps={BYTE_STEPS}
          summary={describeChange(runs[0]?.bytes ?? 0, runs.at(-1)?.bytes ?? 0, (bytes) =>
            formatBytes(Math.round(bytes)),
          )}
        />
        <Chart
          {...common}
          title="Keys"
          series={[{ label: 'keys', values: runs.map(({ keys }) => keys) }]}
          format={formatKeys}
          summary={describeChange(runs[0]?.keys ?? 0, runs.at(-1)?.keys ?? 0, formatKeys)}
        />
      </div>
    </section>
  );
}

function describeChange(first: number, last: number, format: (value: number) => string): string {
  return first === last ? `now ${format(last)}` : `now ${format(last)}, at first ${format(first)}`;
}

export function RunChoice({ analysis: { id, runs } }: { analysis: Analysis }) {
  const field = useId();
  if (runs.length < 2) return null;
  const newest = runs.at(-1)?.id;

  const show = (chosen: string): void => {
    const prefix = route.peek().query.get('prefix');
    navigate('memory', { ...(prefix !== null && { prefix }), ...(chosen !== newest && { id: chosen }) });
  };
  return (
    <span class="row">
      <label for={field}>Analysis of</label>
      <select id={field} value={id} onChange={(event) => show(event.currentTarget.value)}>
        {[...runs].reverse().map((run) => (
          <option key={run.id} value={run.id}>
            {formatTime(run.endedAt)} ({run.isWhole ? 'all keys' : run.mode})
          </option>
        ))}
      </select>
    </span>
  );
}
