// The memory by prefix: the newest analysis, the largest keys, and the growth over the last analyses.
import { useEffect } from 'preact/hooks';
import type { Analysis } from '../../api/types';
import { formatMilliseconds, formatNumber, formatTime, timeSince } from '../../lib/format';
import { now } from '../../state/live';
import { href, route } from '../../state/route';
import { Name } from '../../ui/name';
import { Failure, Loading } from '../../ui/notes';
import { Controls } from './controls';
import { GroupCard } from './group-card';
import { groupOf, groupsBelow, partsOf } from './groups';
import { Largest } from './largest';
import { PrefixTable } from './prefix-table';
import { RunChoice, Runs } from './runs';
import { analysis, isMissing, read, readLoads, readProblem } from './store';
import { Treemap } from './treemap';

const MAX_TILES = 40;

export function Memory() {
  const { query } = route.value;
  const id = query.get('id');
  useEffect(() => read(id), [id]);
  useEffect(() => void readLoads(), []);
  const { value } = analysis;

  return (
    <div class="memory">
      <div class="view-head">
        <h1>Memory</h1>
        <span class="muted grow">Which keys fill the memory, by the beginnings of their names.</span>
        {value && <RunChoice analysis={value} />}
      </div>
      <Controls />
      {readProblem.value && (
        <Failure problem={readProblem.value} action="Reading the analysis" retry={() => void read(id)} />
      )}
      {isMissing.value && <NoAnalysis />}
      {value === null && !isMissing.value && readProblem.value === null && <Loading what="the analysis" />}
      {value && <Found analysis={value} prefix={query.get('prefix')} />}
    </div>
  );
}

function NoAnalysis() {
  return (
    <div class="card">
      <h2>No analysis yet</h2>
      <p>
        An analysis of a sample takes about a second and reads no values. An admin starts it with <em>Analyse now</em>;
        the schedule repeats it when <code>analysis_interval_minutes</code> is set.
      </p>
      <p class="muted">
        Until then, <a href={href('keys', { minSize: '102400', sort: 'size' })}>list large keys</a>.
      </p>
    </div>
  );
}

function Found({ analysis, prefix }: { analysis: Analysis; prefix: string | null }) {
  const group = groupOf(analysis, prefix);
  const below = groupsBelow(analysis, group);

  return (
    <>
      <Provenance analysis={analysis} />
      {prefix !== null && group === null && <UnknownPrefix prefix={prefix} />}
      <GroupCard analysis={analysis} group={group} />
      {below.length > 0 && (
        <>
          <p class="legend-line muted">
            Area: memory. <span class="swatch" aria-hidden="true" /> The browner, the more keys have no TTL.
          </p>
          <Treemap key={prefix} parts={partsOf(analysis, group, MAX_TILES)} />
          <PrefixTable key={`table ${prefix}`} groups={below} />
        </>
      )}
      {below.length === 0 && group !== null && <p class="muted">The analysis has no longer prefixes below this one.</p>}
      {group === null && (
        <>
          <Largest largest={analysis.largest} isWhole={analysis.isWhole} />
          <Runs runs={analysis.runs} />
        </>
      )}
    </>
  );
}

function UnknownPrefix({ prefix }: { prefix: string }) {
  return (
    <p class="note-line">
      The analysis has no prefix{' '}
      <span class="mono">
        <Name text={prefix} whole />
      </span>
      ; all keys are shown.
    </p>
  );
}

/** Where the figures are from, and how far they can be relied on. */
function Provenance({ analysis }: { analysis: Analysis }) {
  const { isWhole, startedAt, endedAt, by, keysVisited, keysTotal, bytesEstimated, sketch } = analysis;
  const took = Date.parse(endedAt) - Date.parse(startedAt);

  return (
    <p class="muted num">
      {isWhole
        ? `All ${formatNumber(keysVisited)} keys.`
        : `A sample of ${formatNumber(keysVisited)} of ${formatNumber(keysTotal)} keys; intervals are of 95 %.`}{' '}
      {formatTime(endedAt)} ({timeSince(endedAt, now.value)}) by {by}, in {formatMilliseconds(took)}.
      {bytesEstimated && ' Redis refuses MEMORY USAGE: sizes are estimated from types and lengths.'}
      {sketch.maxErrorKeys > 0 &&
        ` More than ${formatNumber(sketch.groups)} prefixes: a prefix may lack up to ${formatNumber(sketch.maxErrorKeys)} keys.`}
    </p>
  );
}
