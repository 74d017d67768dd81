// Alerts: those that are raised, and the last deliveries to each webhook.
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { Alerts as Found, Webhook } from '../../api/types';
import { formatCount, formatNumber, formatTime, timeSince } from '../../lib/format';
import { now } from '../../state/live';
import { poll } from '../../state/poll';
import { AlertBox } from '../../ui/alert-box';
import { Badge } from '../../ui/badge';
import { Failure, Loading } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { HELP } from '../alert-help';

const EVERY_MS = 15_000;

const found = signal<Found | null>(null);
const problem = signal<Problem | null>(null);
onSignOut(() => {
  found.value = null;
  problem.value = null;
});

async function read(abort: AbortSignal): Promise<void> {
  try {
    found.value = await api.getAlerts(abort);
    problem.value = null;
  } catch (error) {
    if (!isAborted(error)) problem.value = asProblem(error);
  }
}

export function Alerts() {
  useEffect(() => poll(read, EVERY_MS), []);
  const { value } = found;

  return (
    <div class="alerts-view">
      <div class="view-head">
        <h1>Alerts</h1>
        <span class="muted">Those that are raised now, and the messages about them.</span>
      </div>
      {problem.value && <Failure problem={problem.value} action="Reading the alerts" />}
      {value === null && problem.value === null && <Loading what="alerts" />}
      {value && <Raised alerts={value.alerts} />}
      {value && <Webhooks webhooks={value.webhooks} />}
    </div>
  );
}

function Raised({ alerts }: Pick<Found, 'alerts'>) {
  if (alerts.length === 0) return <p class="all-well">No alerts are raised.</p>;

  return (
    <ul class="alerts" aria-label="Raised alerts">
      {alerts.map(({ name, severity, since, lastNotifiedAt, message }) => (
        <li key={name}>
          <AlertBox
            tone={severity === 'critical' ? 'bad' : 'warn'}
            title={HELP[name].title}
            figure={since === null ? '' : `since ${formatTime(since)}, ${timeSince(since, now.value)}`}
            cause={message}
            action={
              <>
                <span>
                  {lastNotifiedAt === null
                    ? 'No message was sent yet.'
                    : `The last message was sent ${timeSince(lastNotifiedAt, now.value)}.`}
                </span>
                <a href={HELP[name].to}>{HELP[name].link}</a>
              </>
            }
          />
        </li>
      ))}
    </ul>
  );
}

function Webhooks({ webhooks }: Pick<Found, 'webhooks'>) {
  return (
    <section aria-label="Webhooks">
      <h2>Webhooks</h2>
      {webhooks.length === 0 && (
        <div class="card">
          <p>
            No webhook is configured, so alerts appear only here. Set <code>alert_webhooks</code> to an address, such as{' '}
            <code>slack=https://hooks.slack.com/…</code>, and <code>alert_hosts</code> to its host.
          </p>
        </div>
      )}
      {webhooks.map((webhook, index) => (
        <Deliveries key={index} webhook={webhook} />
      ))}
    </section>
  );
}

const HEADS = ['Time', 'Outcome', 'Message', 'Alert', num('Status'), num('Attempts')];

function Deliveries({ webhook: { name, format, deliveries } }: { webhook: Webhook }) {
  return (
    <div class="card webhook">
      <h3>
        <span class="mono">{name}</span> <span class="muted">{format}</span>
      </h3>
      {deliveries.length === 0 && <p class="muted">Nothing was sent yet.</p>}
      {deliveries.length > 0 && (
        <Table label={`Deliveries to ${name}`} heads={HEADS}>
          {deliveries.map(({ at, kind, alert, status, attempts, error }) => (
            <tr key={`${at} ${alert}`}>
              <td class="time" title={at}>
                {formatTime(at)}
              </td>
              <td class="wrap">
                {error === null ? <Badge tone="ok">delivered</Badge> : <span class="error">{error}</span>}
              </td>
              <td>{kind}</td>
              <td>{titleOf(alert)}</td>
              <td class="num">{status ?? 'no answer'}</td>
              <td class="num">{formatNumber(attempts)}</td>
            </tr>
          ))}
        </Table>
      )}
      {failures(deliveries) > 0 && <p class="error">{formatCount(failures(deliveries), 'message')} not delivered.</p>}
    </div>
  );
}

function failures(deliveries: Webhook['deliveries']): number {
  return deliveries.filter(({ error }) => error !== null).length;
}

/** The title of an alert; its name when an older or a newer application knows others. */
function titleOf(name: string): string {
  return Object.entries(HELP).find(([known]) => known === name)?.[1].title ?? name;
}
