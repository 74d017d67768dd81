// The keys that services look up most, and the commands that Redis took long for.
import { useEffect } from 'preact/hooks';
import { missingRole } from '../../api/session';
import { formatNumber } from '../../lib/format';
import { roleSettled } from '../../state/live';
import { Action } from '../../ui/action';
import { Empty, Failure, Loading, RoleNote } from '../../ui/notes';
import { Entries } from './entries';
import { Groups } from './groups';
import { HotKeys } from './hot';
import { busy, entries, groups, hasMore, loadMore, nodes, notKept, problem, reload, total } from './store';

export function Performance() {
  return (
    <div class="performance">
      <div class="view-head">
        <h1>Performance</h1>
        <span class="muted grow">What services look up most, and what Redis takes long for.</span>
      </div>
      <HotKeys />
      <SlowCommands />
    </div>
  );
}

function SlowCommands() {
  const missing = missingRole('operator');
  // Without the role, a request would be recorded in the audit trail as a denied attempt.
  const mayRead = roleSettled.value && missing === '';
  useEffect(() => {
    if (mayRead) void reload();
  }, [mayRead]);

  return (
    <section aria-label="Slow commands">
      <div class="view-head">
        <h2>Slow commands</h2>
        <span class="muted grow">Of all clients, with their keys and without their values.</span>
        {mayRead && (
          <Action small busy={busy.value} onAct={() => void reload()}>
            Refresh
          </Action>
        )}
      </div>
      {missing !== '' && <RoleNote needs="operator" title="Only operators can read the slow log" />}
      {mayRead ? <SlowLog /> : missing === '' && <Loading what="slow commands" />}
    </section>
  );
}

function SlowLog() {
  const loaded = entries.value;

  return (
    <>
      <Refusals />
      {problem.value && <Failure problem={problem.value} action="Reading the slow log" retry={() => void reload()} />}
      {loaded === null && problem.value === null && <Loading what="slow commands" />}
      {loaded?.length === 0 && (
        <Empty>No slow commands. Redis logs those that take longer than slowlog-log-slower-than.</Empty>
      )}
      {loaded !== null && loaded.length > 0 && (
        <>
          <h3>By command and keys</h3>
          <Groups groups={groups.value} />
          <h3>
            Latest <span class="muted">{`${formatNumber(loaded.length)} of ${formatNumber(total.value)}`}</span>
          </h3>
          <Entries entries={loaded} />
        </>
      )}
      {hasMore.value && loaded !== null && (
        <Action busy={busy.value} onAct={() => void loadMore()}>
          Load older
        </Action>
      )}
    </>
  );
}

/** Nodes whose log cannot be read, so that a short list is not taken for a fast server. */
function Refusals() {
  const refusing = nodes.value.filter(({ refused }) => refused !== null);
  if (refusing.length === 0 && notKept.value === null) return null;

  return (
    <div class="failure mild">
      <strong>The list is incomplete</strong>
      {refusing.map(({ node, refused }) => (
        <p key={node}>
          {node ?? 'Redis'} does not show its slow log: {refused}
        </p>
      ))}
      {notKept.value !== null && <p>New entries could not be kept: {notKept.value}</p>}
    </div>
  );
}
