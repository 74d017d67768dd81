// The hit rate of the services, the figure that matters most: large, with its change, and by module.
import { useEffect } from 'preact/hooks';
import type { History, Stats } from '../../api/types';
import { formatCount, formatMilliseconds, formatNumber, formatPercent, formatSeconds } from '../../lib/format';
import { now } from '../../state/live';
import { Name } from '../../ui/name';
import { num, Table } from '../../ui/table';
import {
  averageLoadMs,
  found,
  judged,
  type Lookups,
  type ModuleLookups,
  modulesOf,
  ratioOf,
  savedMs,
  splitRows,
  sumOf,
} from './lookups';
import { recent, watchRecent } from './past';

/** A change by fewer points is not emphasised. */
const NOTABLE_POINTS = 5;
/** A load that takes longer is emphasised. */
const SLOW_LOAD_MS = 100;
/** The rows, one a minute, from which on the time before the window is an hour. */
const ROWS_OF_HOUR = 55;
const MAX_MODULES = 10;

export function Services({ stats }: { stats: Stats }) {
  useEffect(watchRecent, []);
  const history = recent.value;
  const modules = history === null ? [] : modulesOf(history.rows, now.value);

  return (
    <section class="services" aria-label="Hit rate of the services">
      <Headline stats={stats} history={history} />
      {modules.length > 0 && <Modules modules={modules} />}
    </section>
  );
}

function Headline({ stats, history }: { stats: Stats; history: History | null }) {
  const { recent, before } = splitRows(history?.rows ?? [], now.value);
  const lookups = sumOf(recent.map(({ services }) => services));
  const earlier = ratioOf(sumOf(before.map(({ services }) => services)));
  const { ratio, text } = judgedBy(stats, lookups);
  const isLow = stats.alerts.some(({ kind }) => kind === 'hit_rate');

  return (
    <div class={`headline card${isLow ? ' bad' : ''}`}>
      <h2>Hit rate of the services</h2>
      <p class="hero num">{formatPercent(ratio)}</p>
      <Change ratio={ratio} earlier={earlier} minutes={before.length} />
      <p class="muted num">{text}</p>
      {lookups.loads > 0 && <LoadNote lookups={lookups} />}
    </div>
  );
}

/** The window of the statistics when it has the services' lookups; otherwise the last minutes of the history. */
function judgedBy({ hitRateWindow: window }: Stats, lookups: Lookups): { ratio: number | null; text: string } {
  if (window?.source === 'services') {
    const { ratio, seconds } = window;
    return { ratio, text: `of ${formatNumber(window.lookups)} lookups in the last ${formatSeconds(seconds)}` };
  }

  const all = judged(lookups);
  if (all > 0) return { ratio: ratioOf(lookups), text: `of ${formatNumber(all)} lookups in the last 5m` };
  return { ratio: null, text: 'Services that use the library made no lookups in the last 5 minutes.' };
}

function Change({ ratio, earlier, minutes }: { ratio: number | null; earlier: number | null; minutes: number }) {
  if (ratio === null || earlier === null) return null;
  const points = (ratio - earlier) * 100;
  const tone = points <= -NOTABLE_POINTS ? 'error' : 'muted';
  const direction = points < 0 ? '▼' : '▲';
  const time = minutes >= ROWS_OF_HOUR ? 'hour' : formatCount(minutes, 'minute');

  return (
    <p class={`num ${tone}`}>
      {direction} {Math.abs(points).toFixed(1)} points against the {time} before ({formatPercent(earlier)})
    </p>
  );
}

function LoadNote({ lookups }: { lookups: Lookups }) {
  const saved = savedMs(lookups);

  return (
    <p class="muted num">
      A load takes {formatMilliseconds(averageLoadMs(lookups))} on average
      {saved !== null && `; the cache saved ${formatMilliseconds(saved)} of loading`}
      {lookups.loadErrors > 0 && <span class="error">; {formatNumber(lookups.loadErrors)} loads failed</span>}.
    </p>
  );
}

const HEADS = [
  'Module',
  num('Hit rate'),
  num('Hour before'),
  'Lookups',
  num('Hit'),
  num('Stale'),
  num('Miss'),
  num('Near'),
  num('Load'),
  num('Load before'),
  num('Saved'),
];

function Modules({ modules }: { modules: readonly ModuleLookups[] }) {
  return (
    <div class="card modules-table">
      <h2>
        By module <span class="muted">the last 5 minutes, most time spent on loads first</span>
      </h2>
      <Table label="Lookups by module" heads={HEADS}>
        {modules.slice(0, MAX_MODULES).map((module) => (
          <Module key={module.module} module={module} />
        ))}
      </Table>
      {modules.length > MAX_MODULES && <p class="muted">and {modules.length - MAX_MODULES} more modules</p>}
    </div>
  );
}

function Module({ module: { module, recent, before } }: { module: ModuleLookups }) {
  const ratio = ratioOf(recent);
  const earlier = ratioOf(before);
  const loadMs = averageLoadMs(recent);
  const loadBefore = averageLoadMs(before);
  const fell = ratio !== null && earlier !== null && (earlier - ratio) * 100 >= NOTABLE_POINTS;

  return (
    <tr>
      <th scope="row" class="mono">
        <Name text={module} />
      </th>
      <td class={`num strong${fell ? ' error' : ''}`}>{formatPercent(ratio)}</td>
      <td class="num muted">{formatPercent(earlier)}</td>
      <td>
        <Outcomes lookups={recent} />
      </td>
      <td class="num">{formatNumber(recent.hits)}</td>
      <td class="num">{formatNumber(recent.staleHits)}</td>
      <td class="num">{formatNumber(recent.misses)}</td>
      <td class="num">{formatNumber(recent.nearHits)}</td>
      <td class={`num${loadMs !== null && loadMs >= SLOW_LOAD_MS ? ' strong error' : ''}`}>
        {formatMilliseconds(loadMs)}
      </td>
      <td class="num muted" title="The average load in the hour before">
        {formatMilliseconds(loadBefore)}
      </td>
      <td class="num">{formatMilliseconds(savedMs(recent))}</td>
    </tr>
  );
}

/** The shares of hits, stale hits and misses as one bar. */
function Outcomes({ lookups }: { lookups: Lookups }) {
  const all = judged(lookups);
  if (all === 0) return <span class="muted">none</span>;
  const fresh = found(lookups) - lookups.staleHits;

  return (
    <span class="outcomes" aria-hidden="true">
      <span class="fresh" style={{ flexGrow: fresh }} />
      <span class="stale-part" style={{ flexGrow: lookups.staleHits }} />
      <span class="miss" style={{ flexGrow: lookups.misses }} />
    </span>
  );
}
