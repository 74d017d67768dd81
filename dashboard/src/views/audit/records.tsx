// A table of audit records.
import type { AuditRecord } from '../../api/types';
import { formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { Badge } from '../../ui/badge';
import { num, Table } from '../../ui/table';
import { Target } from './target';

const HEADS = ['Time', 'Caller', 'Action', 'Target', num('Keys'), num('Duration'), 'Address', 'Outcome'];

const TONES: Record<AuditRecord['outcome'], string> = {
  ok: 'ok',
  failed: 'bad',
  partial: 'warn',
  cancelled: 'warn',
  denied: 'warn',
  running: 'warn',
  interrupted: 'bad',
  summed: 'warn',
  unknown: 'bad',
};

export function Records({ records, label }: { records: readonly AuditRecord[]; label: string }) {
  return (
    <Table label={label} heads={HEADS} kind="records">
      {records.map((record) => (
        <tr key={`${record.stream}:${record.id}`}>
          <td class="time" title={record.at}>
            {formatTime(record.at)}
          </td>
          <td>
            {record.who} <span class="muted">{roleOf(record)}</span>
          </td>
          <td>{record.action}</td>
          <td class="target mono" title={`request ${record.requestId}`}>
            <Target record={record} />
          </td>
          <td class="num">{formatNumber(keysOf(record))}</td>
          <td class="num">{formatMilliseconds(record.durationMs)}</td>
          <td class="time">{record.ip}</td>
          <td>
            <Badge tone={TONES[record.outcome]}>{record.outcome}</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}

/** The keys that were removed, else those that were changed in another way. */
function keysOf({ keysDeleted, keysMarkedStale, keysChanged, keysWritten }: AuditRecord): number {
  return keysDeleted || keysMarkedStale || keysChanged || keysWritten || 0;
}

function roleOf({ role, stream }: AuditRecord): string {
  if (role !== '-') return role;
  return stream === 'automatic' ? 'automatic' : '';
}
