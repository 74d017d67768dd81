// The facts of a key beyond its value: how it was stored, its load lock, and its TTL rule.
import { useEffect, useState } from 'preact/hooks';
import { missingRole } from '../../api/session';
import type { KeyDetail, LoadLock, TtlTable } from '../../api/types';
import { formatMilliseconds, formatSeconds, formatTime, timeSince } from '../../lib/format';
import { idOf, type KeyRef } from '../../lib/key-name';
import { now, roleSettled } from '../../state/live';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { describeLock, readRule } from './inspection';

type Rule = TtlTable[number];

/** The TTL rule of a key, whether it exists or not; null until it is known, and for a name that is not UTF-8. */
export function useRule(requested: KeyRef): Rule | null {
  const [rule, setRule] = useState<Rule | null>(null);
  // Without the role, a request would be recorded in the audit trail as a denied attempt.
  const mayRead = roleSettled.value && missingRole('operator') === '';

  useEffect(() => {
    setRule(null);
    if (!mayRead || !('key' in requested)) return undefined;
    let isCurrent = true;
    void readRule(requested.key).then((read) => isCurrent && setRule(read));
    return () => {
      isCurrent = false;
    };
  }, [idOf(requested), mayRead]);
  return rule;
}

interface Props {
  /** Null for a key that does not exist. */
  detail: KeyDetail | null;
  rule: Rule | null;
  lock: LoadLock | null;
  /** Milliseconds since 1970. */
  readAt: number;
}

export function SurroundingFacts({ detail, rule, lock, readAt }: Props) {
  return (
    <>
      {detail && <Stored detail={detail} />}
      <dt>TTL rule</dt>
      <dd>
        <RuleLink rule={rule} />
      </dd>
      <dt>Load lock</dt>
      <dd>{describeLock(lock, Math.max(0, Math.floor((now.value - readAt) / 1000)))}</dd>
    </>
  );
}

function Stored({ detail: { storedAt, loadMs } }: { detail: KeyDetail }) {
  return (
    <>
      <dt>Stored</dt>
      <dd>
        {storedAt === null
          ? 'by a client that does not use the library, so its age is not recorded'
          : `${timeSince(storedAt, now.value)} (${formatTime(storedAt)})`}
      </dd>
      {loadMs !== null && (
        <>
          <dt>Load</dt>
          <dd>
            {loadMs === 0 ? 'not loaded: written by a service or a warmup' : `took ${formatMilliseconds(loadMs)}`}
          </dd>
        </>
      )}
    </>
  );
}

export function RuleLink({ rule }: { rule: Rule | null }) {
  if (rule === null) return <>not known</>;

  return (
    <>
      <a href={href('ttls', { prefix: rule.prefix })}>
        {rule.prefix === '*' ? 'all other keys' : <Name text={rule.prefix} />}
      </a>{' '}
      → {formatSeconds(rule.ttl)} {rule.source === 'override' && <span class="muted">(override)</span>}
    </>
  );
}
