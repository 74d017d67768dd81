// What each call to the API cost: time until the headers and the whole body, and what was asked of Redis for it.
import { useState } from 'preact/hooks';
import { clock, milliseconds, number } from '../../lib/format';
import { summarise } from '../../lib/percentiles';
import { type ApiCall, calls } from '../../state/calls';
import { Check } from '../../ui/check';
import { Empty } from '../../ui/notes';
import { Table } from '../../ui/table';

export function Calls() {
  const [withPolls, setWithPolls] = useState(false);
  const all = calls.value;
  const shown = withPolls ? all : all.filter((call) => !isPoll(call));
  return (
    <section class="card calls" aria-label="Calls to the API">
      <div class="row">
        <h2 class="grow">Calls to the API</h2>
        <Check checked={withPolls} onChange={setWithPolls}>
          also what the page repeats by itself
        </Check>
        <button type="button" class="button quiet small" onClick={() => (calls.value = [])}>
          Forget
        </button>
      </div>
      <Summary all={all} />
      {shown.length === 0 ? (
        <Empty>No call yet. Whatever you do in the other views appears here.</Empty>
      ) : (
        <Latest shown={shown} />
      )}
    </section>
  );
}

function isPoll(call: ApiCall): boolean {
  return call.method === 'GET' && /\/(stats|health|warmup)$/.test(call.url);
}

/** By method and path, the slowest median first. */
function Summary({ all }: { all: readonly ApiCall[] }) {
  const rows = summarise(all);
  if (rows.length === 0) return null;
  return (
    <Table
      label="Summary by operation"
      heads={['Operation', 'Calls', 'Median', '95 %', 'Redis, median', 'Round trips']}
    >
      {rows.map((row) => (
        <tr key={row.operation}>
          <td class="mono">{row.operation}</td>
          <td class="num">{number(row.calls)}</td>
          <td class="num">{milliseconds(row.median)}</td>
          <td class="num">{milliseconds(row.p95)}</td>
          <td class="num">{milliseconds(row.redisMs)}</td>
          <td class="num">{row.trips === null ? 'not told' : row.trips}</td>
        </tr>
      ))}
    </Table>
  );
}

function Latest({ shown }: { shown: readonly ApiCall[] }) {
  return (
    <Table label="Latest calls" heads={['At', 'Call', 'Status', 'Headers', 'Whole', 'Redis', 'Request']} kind="tall">
      {shown.slice(0, 100).map((call) => (
        <tr key={call.id}>
          <td class="num">{clock(call.at)}</td>
          <td class="mono url">
            {call.method} {call.url.replace('/api/cache', '')}
          </td>
          <td class={`num${call.status >= 400 || call.failure ? ' error' : ''}`}>
            {call.failure || call.status || '…'}
          </td>
          <td class="num">{milliseconds(call.headersMs)}</td>
          <td class="num">{milliseconds(call.totalMs)}</td>
          <td class="num">{redis(call)}</td>
          <td class="mono muted">{call.requestId.slice(0, 8)}</td>
        </tr>
      ))}
    </Table>
  );
}

function redis({ redis }: ApiCall): string {
  if (redis === null) return '–';
  return `${milliseconds(redis.ms)}, ${redis.commands} cmd in ${redis.trips} trip${redis.trips === 1 ? '' : 's'}`;
}
