// The numbers of keys by TTL, before and after a change.
import type { TtlHistogram } from '../api/types';
import { formatNumber } from '../lib/format';
import { Table } from './table';

const BUCKETS: readonly (readonly [name: keyof TtlHistogram, label: string])[] = [
  ['none', 'no TTL'],
  ['under1Minute', 'under 1 minute'],
  ['from1To5Minutes', '1 to 5 minutes'],
  ['from5To60Minutes', '5 to 60 minutes'],
  ['from1To24Hours', '1 to 24 hours'],
  ['over1Day', 'over 1 day'],
];
const HEADS = ['TTL', 'Before', 'After'];

export function Histogram({ before, after }: { before: TtlHistogram; after: TtlHistogram }) {
  const largest = Math.max(1, ...Object.values(before), ...Object.values(after));

  return (
    <Table label="Keys by TTL" heads={HEADS} kind="histogram">
      {BUCKETS.map(([name, label]) => (
        <tr key={name}>
          <th scope="row">{label}</th>
          <Cell keys={before[name]} largest={largest} tone="before" />
          <Cell keys={after[name]} largest={largest} tone="after" />
        </tr>
      ))}
    </Table>
  );
}

/** A number of keys, and a bar that shows it beside the others. */
function Cell({ keys, largest, tone }: { keys: number; largest: number; tone: string }) {
  return (
    <td>
      <span class="bar-cell">
        <span class={`num${keys === 0 ? ' muted' : ''}`}>{formatNumber(keys)}</span>
        <span class="track" aria-hidden="true">
          <span class={tone} style={{ width: `${(keys / largest) * 100}%` }} />
        </span>
      </span>
    </td>
  );
}
