// The slow commands by command and beginning of the key, those that took the most time first.
import type { SlowGroup } from '../../api/types';
import { formatBytes, formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { num, Table } from '../../ui/table';
import { Command } from './entries';

const HEADS = ['Command', 'Keys', num('Count'), num('Total'), num('Longest'), num('Largest'), 'Last'];

export function Groups({ groups }: { groups: readonly SlowGroup[] }) {
  return (
    <Table label="Slow commands by command and keys" heads={HEADS} kind="card">
      {groups.map((group) => (
        <tr key={`${group.kind} ${group.command} ${group.script} ${group.prefix}`}>
          <td>
            <Command entry={group} />
          </td>
          <td class="mono wrap">
            {group.prefix === null ? (
              <span class="muted">–</span>
            ) : (
              <a href={href('keys', { pattern: group.prefix })}>
                <Name text={group.prefix} />
              </a>
            )}
          </td>
          <td class="num">{formatNumber(group.count)}</td>
          <td class="num strong">{formatMilliseconds(group.totalMs)}</td>
          <td class="num">{formatMilliseconds(group.maxMs)}</td>
          <td class="num">{formatBytes(group.maxBytes)}</td>
          <td class="time">{formatTime(group.lastAt)}</td>
        </tr>
      ))}
    </Table>
  );
}
