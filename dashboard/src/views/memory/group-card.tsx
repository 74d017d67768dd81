// The figures of one prefix, or of all keys, with the actions on them.
import { Fragment } from 'preact';
import type { Analysis, AnalysisFigures, AnalysisGroup, TypeSizes } from '../../api/types';
import { formatBytes, formatMilliseconds, formatNumber, formatPercent, formatSeconds } from '../../lib/format';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import {
  describeReload,
  describeSizes,
  formatEstimate,
  formatGrowth,
  formatKeys,
  formatShare,
  ttlParts,
} from './figures';
import { hasPlaceholder, labelOf, pathOf, patternOf, reloadMsOf } from './groups';
import { loads } from './store';

interface Props {
  analysis: Analysis;
  /** Null for all keys. */
  group: AnalysisGroup | null;
}

export function GroupCard({ analysis, group }: Props) {
  const figures = group ?? analysis.totals;

  return (
    <section class="card group-card" aria-label="Figures">
      <Path analysis={analysis} group={group} />
      <div class="group-figures">
        <Facts figures={figures} group={group} />
        <TtlTable figures={figures} />
      </div>
      {group === null && analysis.keySizes !== null && <Sizes keySizes={analysis.keySizes} />}
      {group === null ? <Outlook analysis={analysis} /> : <Actions group={group} />}
    </section>
  );
}

/** The way from all keys to this prefix. */
function Path({ analysis, group }: Props) {
  if (group === null) return <h2>All keys</h2>;

  return (
    <h2>
      <a href={href('memory')}>All keys</a>
      {pathOf(analysis, group).map(({ prefix }) => (
        <span key={prefix}>
          {' › '}
          <a class="mono" href={href('memory', { prefix })}>
            <Name text={prefix} />
          </a>
        </span>
      ))}
      {' › '}
      <span class="mono">
        <Name text={labelOf(group)} whole />
      </span>
    </h2>
  );
}

function Facts({ figures, group }: { figures: AnalysisFigures; group: AnalysisGroup | null }) {
  const { keys, bytes, share, averageBytes, largestBytes, types, idleSeconds, growth } = figures;

  return (
    <dl class="facts">
      <dt>Memory</dt>
      <dd class="num">
        <strong>{formatEstimate(bytes, formatBytes)}</strong>
      </dd>
      {group !== null && (
        <>
          <dt>Share</dt>
          <dd class="num">{formatShare(share)} of all memory</dd>
        </>
      )}
      <dt>Keys</dt>
      <dd class="num">{formatEstimate(keys, formatKeys)}</dd>
      <dt>A key</dt>
      <dd class="num">
        {formatBytes(Math.round(averageBytes))} on average, {formatBytes(largestBytes)} at most
      </dd>
      <dt>Types</dt>
      <dd class="num">{describeTypes(types)}</dd>
      {idleSeconds !== null && (
        <>
          <dt>Idle</dt>
          <dd class="num">for {formatSeconds(Math.round(idleSeconds))} on average</dd>
        </>
      )}
      {group !== null && <Reload group={group} />}
      {growth !== null && (
        <>
          <dt>Growth</dt>
          <dd class="num">
            {formatGrowth(growth.bytesPerDay)} and {formatNumber(Math.round(growth.keysPerDay))} keys a day
          </dd>
        </>
      )}
    </dl>
  );
}

/** The time that services would need to load the keys again; nothing when it is not known. */
function Reload({ group }: { group: AnalysisGroup }) {
  const reloadMs = reloadMsOf(group, loads.value);
  if (reloadMs === null) return null;

  return (
    <>
      <dt>Reload</dt>
      <dd class="num" title={describeReload(group, reloadMs)}>
        about {formatMilliseconds(reloadMs)} of loading
      </dd>
    </>
  );
}

function describeTypes(types: Record<string, number>): string {
  const all = Object.values(types).reduce((sum, keys) => sum + keys, 0);
  const parts = Object.entries(types).sort(([, one], [, other]) => other - one);
  if (all === 0 || parts.length === 0) return '–';
  return parts.map(([type, keys]) => (parts.length === 1 ? type : `${type} ${formatPercent(keys / all)}`)).join(', ');
}

/** The TTLs as a histogram. */
function TtlTable({ figures: { ttl } }: { figures: AnalysisFigures }) {
  const parts = ttlParts(ttl);
  const largest = Math.max(...parts.map(({ share }) => share), 0.001);

  return (
    <table class="ttl-histogram">
      <caption class="muted">Keys by TTL</caption>
      <tbody>
        {parts.map(({ name, label, share }) => (
          <tr key={name}>
            <th scope="row">{label}</th>
            <td class={`num${share === 0 ? ' muted' : ''}`}>{formatPercent(share)}</td>
            <td class="track" aria-hidden="true">
              <span class={`ttl-${name}`} style={{ width: `${(share / largest) * 100}%` }} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The sizes of all keys by type, where Redis counts them. */
function Sizes({ keySizes }: { keySizes: readonly TypeSizes[] }) {
  return (
    <dl class="facts">
      <dt class="muted">Sizes</dt>
      <dd class="muted">of all keys, counted by Redis</dd>
      {keySizes.map((sizes) => (
        <Fragment key={`${sizes.type} ${sizes.unit}`}>
          <dt>{sizes.type}</dt>
          <dd class="num">{describeSizes(sizes)}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

function Actions({ group }: { group: AnalysisGroup }) {
  const pattern = patternOf(group);
  if (pattern === null) return null;

  return (
    <>
      <p class="row">
        <a class="button small" href={href('keys', { pattern })}>
          List the keys
        </a>
        <a class="button small" href={href('keys', { pattern, noTtl: '1' })}>
          List those without a TTL
        </a>
        <a class="button small" href={href('clear', { by: 'pattern', pattern })}>
          Clear these …
        </a>
        <a class="button small" href={href('expiry', { pattern })}>
          Give these a TTL …
        </a>
      </p>
      {hasPlaceholder(group) && (
        <p class="hint">
          The pattern <code>{pattern}</code> may match other keys than ids, too: the previews count what it matches.
        </p>
      )}
    </>
  );
}

/** How the memory grows, and when it will be full. */
function Outlook({ analysis: { growth } }: { analysis: Analysis }) {
  if (growth === null) return <p class="muted">Growth is known once there is an analysis that is an hour older.</p>;
  const { bytesPerDay, daysUntilMaxmemory, reason } = growth;

  return (
    <p class="num">
      {formatGrowth(bytesPerDay)} a day, judged since an analysis at least an hour older.{' '}
      {daysUntilMaxmemory === null ? (
        <span class="muted">{reason}</span>
      ) : (
        <strong class={daysUntilMaxmemory < 7 ? 'error' : ''}>
          At this rate memory is full in {describeDays(daysUntilMaxmemory)}.
        </strong>
      )}
    </p>
  );
}

function describeDays(days: number): string {
  if (days < 1) return 'less than a day';
  const whole = Math.round(days);
  return `about ${formatNumber(whole)} ${whole === 1 ? 'day' : 'days'}`;
}
