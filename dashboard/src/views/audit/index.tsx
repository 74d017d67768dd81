// Who changed or tried to change what, newest first.
import { useEffect, useId } from 'preact/hooks';
import type { AuditRecord } from '../../api/types';
import { clock, few, milliseconds, number } from '../../lib/format';
import { roleTold } from '../../state/live';
import { lacks } from '../../state/session';
import { Badge, Empty, Loading, RoleWall, Trouble } from '../../ui/notes';
import { Table } from '../../ui/table';
import { actionFilter, busy, filter, hasMore, more, problem, records, reload, total, wanted, whoFilter } from './trail';

const ACTIONS = ['clear', 'invalidate', 'warmup', 'warmup-cancel', 'memory-relief', 'expire', 'ttl', 'event', 'denied'];
const TONES: Record<AuditRecord['outcome'], string> = {
  ok: 'ok',
  failed: 'bad',
  partial: 'warn',
  denied: 'warn',
  running: 'warn',
};

export function Audit() {
  const mayNot = lacks('admin');
  // Asking without the role would itself be a record of the trail.
  const asks = roleTold.value && mayNot === '';
  useEffect(() => {
    if (asks) void reload();
  }, [asks]);
  return (
    <div class="audit">
      <div class="view-head">
        <h1>Audit</h1>
        <span class="muted grow">Changes and denied attempts, newest first. A clear does not reach it.</span>
        {asks && (
          <button type="button" class="button small" onClick={() => void reload()}>
            Refresh
          </button>
        )}
      </div>
      {mayNot !== '' && <RoleWall needs="admin" what="The audit trail is for administrators" />}
      {asks ? <Trail /> : mayNot === '' && <Loading what="records" />}
    </div>
  );
}

function Trail() {
  const shown = wanted.value;
  return (
    <>
      <Filters />
      {problem.value && <Trouble problem={problem.value} what="Reading the trail" retry={() => void more()} />}
      {shown.length > 0 && <Records shown={shown} />}
      {shown.length === 0 && !busy.value && problem.value === null && (
        <Empty>
          {records.value.length === 0
            ? 'Nothing has been changed yet.'
            : 'None of the records looked through fits the filter.'}
        </Empty>
      )}
      {busy.value && <Loading what="records" />}
      {!busy.value && hasMore.value && records.value.length > 0 && (
        <button type="button" class="button" onClick={() => void more()}>
          Load older
        </button>
      )}
    </>
  );
}

function Filters() {
  const id = useId();
  const seen = new Set([...ACTIONS, ...records.value.map((record) => record.action)]);
  return (
    <form class="row filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <span class="row">
        <label for={id}>Who</label>
        <input
          id={id}
          value={whoFilter.value}
          autocomplete="off"
          spellcheck={false}
          placeholder="anybody"
          onInput={(event) => void filter(event.currentTarget.value, actionFilter.value)}
        />
      </span>
      <span class="row">
        <label for={`${id}-action`}>Action</label>
        <select
          id={`${id}-action`}
          value={actionFilter.value}
          onChange={(event) => void filter(whoFilter.value, event.currentTarget.value)}
        >
          <option value="">any</option>
          {[...seen].map((action) => (
            <option key={action}>{action}</option>
          ))}
        </select>
      </span>
      <span class="muted num" role="status">
        {number(wanted.value.length)} shown, {number(records.value.length)} looked through
        {total.value !== null && ` of ${number(total.value)}`}
      </span>
    </form>
  );
}

function Records({ shown }: { shown: readonly AuditRecord[] }) {
  return (
    <Table
      label="Records of the audit trail"
      heads={['When', 'Who', 'Action', 'What', 'Removed', 'Took', 'From', 'Outcome']}
      kind="records"
    >
      {shown.map((record) => (
        <tr key={record.id}>
          <td class="num" title={record.at}>
            {clock(record.at)}
          </td>
          <td>
            {record.who} <span class="muted">{record.role === '-' ? '' : record.role}</span>
          </td>
          <td>{record.action}</td>
          <td class="what mono" title={`request ${record.requestId}`}>
            {whatOf(record)}
          </td>
          <td class="num">{number(record.keysDeleted)}</td>
          <td class="num">{milliseconds(record.durationMs)}</td>
          <td class="num">{record.ip}</td>
          <td>
            <Badge tone={TONES[record.outcome]}>{record.outcome}</Badge>
          </td>
        </tr>
      ))}
    </Table>
  );
}

function whatOf(record: AuditRecord): string {
  const { pattern, patterns = [], keys = [], tags = [], detail, error } = record;
  const parts = [pattern, few(patterns), few(keys), few(tags.map((tag) => `#${tag}`)), detail, error];
  return parts.filter(Boolean).join(' · ') || '–';
}
