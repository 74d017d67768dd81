// The prefixes of one level as a table: the same figures as in the treemap, and the way to the actions.
import { useState } from 'preact/hooks';
import type { AnalysisGroup } from '../../api/types';
import { formatBytes, formatMilliseconds, formatPercent } from '../../lib/format';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { type Head, num, Table } from '../../ui/table';
import {
  describeReload,
  formatEstimate,
  formatGrowth,
  formatInterval,
  formatKeys,
  isExact,
  TtlBar,
  Whisker,
} from './figures';
import { type Column, labelOf, patternOf, reloadMsOf, sortGroups } from './groups';
import { loads } from './store';

const FIRST_ROWS = 15;

export function PrefixTable({ groups }: { groups: readonly AnalysisGroup[] }) {
  const [by, setBy] = useState<Column>('bytes');
  const [maxRows, setMaxRows] = useState(FIRST_ROWS);
  const sorted = sortGroups(groups, by, loads.value);

  const sortable = (column: Column, label: string): Head => ({
    sort: label,
    isNumber: column !== 'prefix',
    isSorted: by === column,
    onSort: () => setBy(column),
  });
  const heads: Head[] = [
    sortable('prefix', 'Prefix'),
    sortable('keys', 'Keys'),
    sortable('bytes', 'Memory'),
    num('Share'),
    sortable('noTtl', 'Without TTL'),
    'TTLs',
    sortable('average', 'Average'),
    sortable('growth', 'Growth a day'),
    sortable('reload', 'Reload'),
    'Actions',
  ];

  return (
    <>
      <Table label="Prefixes" heads={heads} kind="card prefix-table">
        {sorted.slice(0, maxRows).map((group) => (
          <Row key={group.prefix} group={group} />
        ))}
      </Table>
      {sorted.length > maxRows && (
        <button type="button" class="button" onClick={() => setMaxRows(sorted.length)}>
          Show all {formatKeys(sorted.length)} prefixes
        </button>
      )}
    </>
  );
}

function Row({ group }: { group: AnalysisGroup }) {
  const { prefix, keys, bytes, share, withoutTtlShare, ttl, averageBytes, largestBytes, growth, isInternal } = group;
  const reloadMs = reloadMsOf(group, loads.value);

  return (
    <tr>
      <th scope="row" class="mono wrap">
        <a href={href('memory', { prefix })}>
          <Name text={labelOf(group)} />
        </a>
        {isInternal && <span class="muted"> edge-cache</span>}
      </th>
      <td class="num" title={formatEstimate(keys, formatKeys)}>
        {formatKeys(keys.value)}
      </td>
      <td class="num strong" title={formatEstimate(bytes, formatBytes)}>
        {formatBytes(Math.round(bytes.value))}
      </td>
      <td class="num">
        {formatPercent(share.value)}
        {!isExact(share) && (
          <>
            <span class="muted interval">{formatInterval(share)}</span>
            <Whisker estimate={share} />
          </>
        )}
      </td>
      <td class={`num${withoutTtlShare > 0.5 && !isInternal ? ' error' : ''}`}>{formatPercent(withoutTtlShare)}</td>
      <td>
        <TtlBar ttl={ttl} />
      </td>
      <td class="num" title={`largest ${formatBytes(largestBytes)}`}>
        {formatBytes(Math.round(averageBytes))}
      </td>
      <td class="num">{formatGrowth(growth?.bytesPerDay)}</td>
      <td class="num" title={describeReload(group, reloadMs)}>
        {formatMilliseconds(reloadMs)}
      </td>
      <td class="links">
        <Links group={group} />
      </td>
    </tr>
  );
}

function Links({ group }: { group: AnalysisGroup }) {
  const pattern = patternOf(group);
  if (pattern === null) return null;

  return (
    <>
      <a href={href('keys', { pattern })} aria-label={`List the keys of ${group.prefix}`}>
        Keys
      </a>
      <a href={href('clear', { by: 'pattern', pattern })} aria-label={`Clear the keys of ${group.prefix}`}>
        Clear
      </a>
      <a href={href('expiry', { pattern })} aria-label={`Give the keys of ${group.prefix} a TTL`}>
        TTL
      </a>
    </>
  );
}
