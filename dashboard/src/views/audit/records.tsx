// A table of audit records.
import type { AuditRecord } from '../../api/types';
import { formatList, formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { Badge } from '../../ui/badge';
import { Table } from '../../ui/table';

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
            {describeTarget(record)}
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

function describeTarget(record: AuditRecord): string {
  const { pattern, patterns = [], keys = [], tags = [], detail, error, alike, cut } = record;
  const names = [pattern, formatList(patterns), formatList(keys), formatList(tags.map((tag) => `#${tag}`))];
  const parts = [...names, detail, error, alike && describeAlike(alike), cut && 'truncated'];

  return parts.filter(Boolean).join(' · ') || '–';
}

/** Records beyond a quota are stored as one with their number. */
export function describeAlike({ count, failed, since }: NonNullable<AuditRecord['alike']>): string {
  return `${formatNumber(count)} more like this since ${formatTime(since)}${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}`;
}
