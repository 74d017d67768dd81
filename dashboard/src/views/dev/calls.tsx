// The calls of this page to the API, each with its time and its cost in Redis.
import { useState } from 'preact/hooks';
import { type ApiCall, calls } from '../../api/calls';
import { formatCount, formatMilliseconds, formatNumber, formatTime } from '../../lib/format';
import { Check } from '../../ui/check';
import { Empty } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { summarise } from './summary';

const MAX_ROWS = 100;

export function Calls() {
  const [withPolling, setWithPolling] = useState(false);
  const shown = withPolling ? calls.value : calls.value.filter((call) => !isPolling(call));

  return (
    <section class="card calls" aria-label="Calls to the API">
      <div class="row">
        <h2 class="grow">Calls to the API</h2>
        <Check checked={withPolling} onChange={setWithPolling}>
          Include background polling
        </Check>
        <button type="button" class="button quiet small" onClick={() => (calls.value = [])}>
          Discard
        </button>
      </div>
      <SummaryTable all={calls.value} />
      {shown.length === 0 ? (
        <Empty>No calls yet. Calls of the other views appear here.</Empty>
      ) : (
        <LatestCalls shown={shown} />
      )}
    </section>
  );
}

function isPolling(call: ApiCall): boolean {
  return call.method === 'GET' && /\/(stats|health|warmup)$/.test(call.url);
}

const SUMMARY_HEADS = [
  'Operation',
  num('Calls'),
  num('Median'),
  num('95th percentile'),
  num('Redis median'),
  num('Round trips'),
];

function SummaryTable({ all }: { all: readonly ApiCall[] }) {
  const summaries = summarise(all);
  if (summaries.length === 0) return null;

  return (
    <Table label="Summary by operation" heads={SUMMARY_HEADS}>
      {summaries.map((summary) => (
        <tr key={summary.operation}>
          <td class="mono">{summary.operation}</td>
          <td class="num">{formatNumber(summary.calls)}</td>
          <td class="num">{formatMilliseconds(summary.medianMs)}</td>
          <td class="num">{formatMilliseconds(summary.p95Ms)}</td>
          <td class="num">{formatMilliseconds(summary.redisMs)}</td>
          <td class="num">{formatNumber(summary.roundTrips)}</td>
        </tr>
      ))}
    </Table>
  );
}

const LATEST_HEADS = ['Time', 'Call', num('Status'), num('Headers'), num('Total'), num('Redis'), 'Request'];

function LatestCalls({ shown }: { shown: readonly ApiCall[] }) {
  return (
    <Table label="Latest calls" heads={LATEST_HEADS} kind="tall">
      {shown.slice(0, MAX_ROWS).map((call) => (
        <tr key={call.id}>
          <td class="time">{formatTime(call.at)}</td>
          <td class="mono url">
            {call.method} {call.url.replace('/api/cache', '')}
          </td>
          <td class={`num${call.status >= 400 || call.failure ? ' error' : ''}`}>
            {call.failure || call.status || '…'}
          </td>
          <td class="num">{formatMilliseconds(call.headersMs)}</td>
          <td class="num">{formatMilliseconds(call.totalMs)}</td>
          <td class="num">{formatCost(call)}</td>
          <td class="mono muted">{call.requestId.slice(0, 8)}</td>
        </tr>
      ))}
    </Table>
  );
}

function formatCost({ redis }: ApiCall): string {
  if (redis === null) return '–';
  const { ms, commands, roundTrips } = redis;
  return `${formatMilliseconds(ms)}, ${formatCount(commands, 'command')} in ${formatCount(roundTrips, 'round trip')}`;
}
