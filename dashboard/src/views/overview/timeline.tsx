// The timeline: the charts of a range with the marks of changes, and these changes as a list.
import { useEffect } from 'preact/hooks';
import type { History, Mark, Stats } from '../../api/types';
import { formatTime } from '../../lib/format';
import { navigate, route } from '../../state/route';
import { type ChartMark, pointedMark } from '../../ui/marks';
import { Failure, Loading } from '../../ui/notes';
import { LiveCharts, PastCharts } from './charts';
import { historyOf, isRecent, problem, watchRange } from './past';
import { addressOfWindow, LIVE, type Range, rangeInAddress, RANGES } from './ranges';

const MAX_CHANGES = 8;

export function Timeline({ stats }: { stats: Stats }) {
  const range = rangeInAddress(route.value.query, Date.now());

  return (
    <section aria-label="Timeline">
      <div class="view-head timeline-head">
        <h2>Timeline</h2>
        <RangeChoice chosen={range?.name ?? LIVE} />
        <span class="muted">{zoneName()}</span>
      </div>
      {range?.window ? <WindowBar window={range.window} /> : <ZoomHint isLive={range === undefined} />}
      {range === undefined ? <LiveCharts /> : <Past range={range} stats={stats} />}
    </section>
  );
}

function RangeChoice({ chosen }: { chosen: string }) {
  const choices = [...RANGES, { name: LIVE, label: 'Live' }];

  return (
    <div class="ranges grow" role="group" aria-label="Range">
      {choices.map(({ name, label }) => (
        <button
          key={name}
          type="button"
          class="button small"
          aria-pressed={name === chosen}
          onClick={() => navigate('overview', { range: name }, true)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function ZoomHint({ isLive }: { isLive: boolean }) {
  return isLive ? null : <p class="hint">Drag over a chart, or choose a mark, to look at a part of it.</p>;
}

/** The window that is shown, and the ways to move it. */
function WindowBar({ window: { from, to } }: { window: NonNullable<Range['window']> }) {
  const length = to - from;
  const show = (begin: number, end: number): void => navigate('overview', addressOfWindow(begin, end), true);

  return (
    <p class="row">
      <strong class="num">
        {formatTime(new Date(from))} to {formatTime(new Date(to))}
      </strong>
      <button type="button" class="button small" onClick={() => show(from - length / 2, to - length / 2)}>
        Earlier
      </button>
      <button type="button" class="button small" onClick={() => show(from + length / 2, to + length / 2)}>
        Later
      </button>
      <button type="button" class="button small" onClick={() => show(from - length / 2, to + length / 2)}>
        Zoom out
      </button>
    </p>
  );
}

function zoneName(): string {
  return `Times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
}

function Past({ range, stats }: { range: Range; stats: Stats }) {
  useEffect(() => (isRecent(range) ? undefined : watchRange(range)), [range.name]);
  const history = historyOf(range);

  if (history === null) {
    return problem.value ? (
      <Failure problem={problem.value} action="Reading the history" />
    ) : (
      <Loading what="history" />
    );
  }
  const marks = history.marks.map(chartMark);
  return (
    <>
      {problem.value && <Failure problem={problem.value} action="Reading the history" />}
      <Changes history={history} />
      {history.rows.length === 0 ? (
        <>
          <NoRows />
          <LiveCharts />
        </>
      ) : (
        <PastCharts history={history} marks={marks} stats={stats} dates={range.seconds > 86_400} />
      )}
    </>
  );
}

function NoRows() {
  return (
    <p>
      No figures in this range: the schedule, which writes a row a minute, has not run. Until it has, live charts are
      shown.
    </p>
  );
}

function chartMark({ at, text, outcome, action }: Mark): ChartMark {
  const isBad = action === 'restart' || action === 'eviction-wave' || (outcome !== null && outcome !== 'ok');
  return { at: Date.parse(at) / 1000, text, tone: isBad ? 'bad' : 'plain' };
}

/** The latest changes as text: what a chart shows on hover is readable here without a pointer. */
function Changes({ history: { marks, marksLeftOut } }: { history: History }) {
  if (marks.length === 0)
    return <p class="muted">No clears, warmups, TTL changes, restarts or waves of expiry in this range.</p>;
  const latest = marks.slice(-MAX_CHANGES).reverse();

  return (
    <div class="card changes">
      <h3>Changes</h3>
      <ol>
        {latest.map((mark, index) => (
          <li
            key={`${mark.at} ${index}`}
            onMouseEnter={() => (pointedMark.value = Date.parse(mark.at) / 1000)}
            onMouseLeave={() => (pointedMark.value = null)}
          >
            <time class="muted num" dateTime={mark.at}>
              {formatTime(mark.at)}
            </time>
            <span class="wrap">
              {mark.text}
              {mark.outcome !== null && mark.outcome !== 'ok' && <span class="error"> ({mark.outcome})</span>}
            </span>
          </li>
        ))}
      </ol>
      {(marks.length > MAX_CHANGES || marksLeftOut) && <p class="muted">{leftOut(marks.length, marksLeftOut)}</p>}
    </div>
  );
}

function leftOut(count: number, isCut: boolean): string {
  return `The latest ${Math.min(count, MAX_CHANGES)} of ${isCut ? 'more than ' : ''}${count}; the charts mark the others.`;
}
