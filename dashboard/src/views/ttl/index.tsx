// The TTL table: how long values of each prefix live. Admins override its rows.
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { TtlTable } from '../../api/types';
import { formatNumber, formatSeconds } from '../../lib/format';
import { escapeGlob } from '../../lib/pattern';
import { announce } from '../../state/announce';
import { href, route } from '../../state/route';
import { Action } from '../../ui/action';
import { Badge } from '../../ui/badge';
import { Name } from '../../ui/name';
import { Failure, Loading } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { useTask } from '../../ui/use-task';
import { Override } from './override';

type Row = TtlTable[number];

const table = signal<TtlTable | null>(null);
const problem = signal<Problem | null>(null);
onSignOut(() => {
  table.value = null;
  problem.value = null;
});

async function read(abort?: AbortSignal): Promise<void> {
  try {
    table.value = await api.getTtlTable(abort);
    problem.value = null;
  } catch (error) {
    if (!isAborted(error)) problem.value = asProblem(error);
  }
}

export function Ttls() {
  const [prefix, setPrefix] = useState(route.value.query.get('prefix') ?? '');
  useEffect(() => {
    const abort = new AbortController();
    void read(abort.signal);
    return () => abort.abort();
  }, []);

  return (
    <div class="ttls">
      <div class="view-head">
        <h1>TTL table</h1>
        <span class="muted grow">
          How long new values live: the longest matching prefix decides, overrides before other rows.
        </span>
        <a href={href('expiry')}>Change the TTL of stored keys</a>
      </div>
      {problem.value && <Failure problem={problem.value} action="Reading the TTL table" retry={() => void read()} />}
      {table.value === null && problem.value === null && <Loading what="the TTL table" />}
      {table.value && (
        <>
          <Override key={prefix} prefix={prefix} onChanged={(changed) => (table.value = changed)} />
          <Rows rows={table.value} onOverride={setPrefix} />
        </>
      )}
    </div>
  );
}

const HEADS = ['Prefix', num('TTL'), num('Seconds'), 'From', 'Actions'];

function Rows({ rows, onOverride }: { rows: readonly Row[]; onOverride: (prefix: string) => void }) {
  const sorted = [...rows].sort((one, other) => one.prefix.localeCompare(other.prefix));

  return (
    <Table label="TTL table" heads={HEADS} kind="card">
      {sorted.map((row) => (
        <tr key={`${row.source} ${row.prefix}`}>
          <th scope="row" class="mono wrap">
            {row.prefix === '*' ? 'all other keys' : <Name text={row.prefix} />}
          </th>
          <td class="num strong">{formatSeconds(row.ttl)}</td>
          <td class="num">{formatNumber(row.ttl)}</td>
          <td>{row.source === 'override' ? <Badge tone="info">override</Badge> : 'edge-cache.toml'}</td>
          <td class="links">
            {row.prefix !== '*' && <a href={href('keys', { pattern: `${escapeGlob(row.prefix)}*` })}>Keys</a>}
            <button type="button" class="button quiet small" onClick={() => onOverride(row.prefix)}>
              Override
            </button>
            {row.source === 'override' && <Reset prefix={row.prefix} />}
          </td>
        </tr>
      ))}
    </Table>
  );
}

function Reset({ prefix }: { prefix: string }) {
  const { busy, problem: failed, run } = useTask();
  const reset = async (): Promise<void> => {
    table.value = await api.resetTtl(prefix);
    announce('The override was removed');
  };

  return (
    <>
      <Action small kind="quiet" needs="admin" busy={busy} onAct={() => void run(reset)}>
        Remove the override
      </Action>
      {failed && <Failure problem={failed} action="Removing the override" />}
    </>
  );
}
