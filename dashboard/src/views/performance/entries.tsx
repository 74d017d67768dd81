// The slow commands one by one, newest first.
import type { SlowEntry, SlowGroup } from '../../api/types';
import { formatBytes, formatCount, formatMilliseconds, formatTime } from '../../lib/format';
import { Badge } from '../../ui/badge';
import { Name } from '../../ui/name';
import { num, Table } from '../../ui/table';

const HEADS = ['Time', 'Command', 'Keys', num('Duration'), num('Size'), 'Client'];

export function Entries({ entries }: { entries: readonly SlowEntry[] }) {
  const hasNodes = entries.some(({ node }) => node !== null);

  return (
    <Table label="Slow commands" heads={hasNodes ? [...HEADS, 'Node'] : HEADS} kind="card">
      {entries.map((entry) => (
        <tr key={entry.id}>
          <td class="time" title={entry.at}>
            {formatTime(entry.at)}
          </td>
          <td>
            <Command entry={entry} />
          </td>
          <td class="mono wrap">
            <Keys entry={entry} />
          </td>
          <td class="num strong">{formatMilliseconds(entry.durationMs)}</td>
          <td class="num">{formatBytes(entry.sizeBytes)}</td>
          <td class="time" title={entry.client ?? undefined}>
            {entry.clientName || entry.client}
          </td>
          {hasNodes && <td class="mono">{entry.node}</td>}
        </tr>
      ))}
    </Table>
  );
}

/** The command; for one that edge-cache sent, the name of its script. */
export function Command({
  entry: { command, script, kind },
}: {
  entry: Pick<SlowGroup, 'command' | 'script' | 'kind'>;
}) {
  return (
    <>
      <span class="mono">{command}</span> {script !== null && <span class="muted">edge-cache: {script}</span>}{' '}
      {kind !== 'slow' && <Badge tone="info">{kind.replace('-', ' ')}</Badge>}
    </>
  );
}

function Keys({ entry: { keys, arguments: count } }: { entry: SlowEntry }) {
  return (
    <>
      {keys.map((key, index) => (
        <span key={index}>
          {index > 0 && ', '}
          <Name text={key} />
        </span>
      ))}
      <span class="muted">
        {keys.length > 0 && ' · '}
        {formatCount(count, 'argument')}
      </span>
    </>
  );
}
