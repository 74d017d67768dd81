// The changes that concerned a key, from the audit trail: by its name, or by a pattern that covers it.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import { missingRole } from '../../api/session';
import type { AuditRecord } from '../../api/types';
import { formatCount, formatTime } from '../../lib/format';
import { escapeGlob } from '../../lib/pattern';
import { href } from '../../state/route';
import { Failure } from '../../ui/notes';
import { Target } from '../audit/target';

const MAX_CHANGES = 5;
/** With a filter, a page is that of the matches among so many records or more. */
const PAGE_RECORDS = 100;

export function Changes({ name }: { name: string }) {
  const [records, setRecords] = useState<readonly AuditRecord[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const missing = missingRole('admin');

  useEffect(() => {
    if (missing !== '') return undefined;
    const abort = new AbortController();
    readChanges(name, abort.signal).then(setRecords, (error: unknown) => {
      if (!abort.signal.aborted) setProblem(asProblem(error));
    });
    return () => abort.abort();
  }, [name, missing]);

  if (missing !== '') return <p class="muted">Who wrote, cleared or invalidated it: only admins can read it.</p>;
  if (problem !== null) return <Failure problem={problem} action="Reading the changes" />;
  return (
    <section class="key-changes" aria-label="Changes of this key">
      <h3>Changes</h3>
      {records?.length === 0 && <p class="muted">No clear, invalidation or edit of it among the latest records.</p>}
      {records !== null && records.length > 0 && (
        <ol>
          {records.map((record) => (
            <Change key={`${record.stream}:${record.id}`} record={record} />
          ))}
        </ol>
      )}
      <a href={href('audit', { key: escapeGlob(name) })}>All records about it</a>
    </section>
  );
}

async function readChanges(name: string, abort: AbortSignal): Promise<readonly AuditRecord[]> {
  const { entries } = await api.listAuditRecords({ key: escapeGlob(name), limit: PAGE_RECORDS }, abort);
  return entries.slice(0, MAX_CHANGES);
}

function Change({ record }: { record: AuditRecord }) {
  const { at, who, action, outcome, keysDeleted } = record;

  return (
    <li>
      <time class="muted num" dateTime={at}>
        {formatTime(at)}
      </time>
      <span class="wrap">
        <strong>{who}</strong> {action} <Target record={record} />
        {keysDeleted > 0 && ` · ${formatCount(keysDeleted, 'key')} deleted`}
        {outcome !== 'ok' && <span class="error"> ({outcome})</span>}
      </span>
    </li>
  );
}
