// A table of audit records.
import type { AuditRecord } from '../../api/types';
import { formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { Badge } from '../../ui/badge';
import { Table } from '../../ui/table';
import { Target } from './target';

const HEADS = ['Time', 'Caller', 'Action', 'Target', 'Removed', 'Duration', 'Address', 'Outcome'];

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
          <td class="num" title={record.at}>
            {formatTime(record.at)}
          </td>
          <td>
            {record.who} <span class="muted">{roleOf(record)}</span>
          </td>
          <td>{record.action}</td>
          <td class="target mono" title={`request ${record.requestId}`}>
            <Target record={record} />
          </td>
          <td class="num">{formatNumber(record.keysDeleted)}</td>
          <td class="num">{formatMilliseconds(record.durationMs)}</td>
          <td class="num">{record.ip}</td>
          <td>
            <Badge tone={TONES[record.outcome]}>{record.outcome}</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function roleOf({ role, stream }: AuditRecord): string {
  if (role !== '-') return role;
  return stream === 'automatic' ? 'automatic' : '';
}
