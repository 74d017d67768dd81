// A key that does not exist: what may be the reason of the miss.
import type { LoadLock, Stats, TtlTable } from '../../api/types';
import { formatNumber, formatSeconds } from '../../lib/format';
import { stats } from '../../state/live';
import { Changes } from './changes';
import { SurroundingFacts } from './surroundings';

interface Props {
  /** Null for a name that is not UTF-8. */
  name: string | null;
  lock: LoadLock | null;
  rule: TtlTable[number] | null;
  /** Milliseconds since 1970. */
  readAt: number;
  onRetry: () => void;
}

export function Missing({ name, lock, rule, readAt, onRetry }: Props) {
  const reasons = reasonsFor(lock, rule, stats.value.value);

  return (
    <>
      <div class="failure mild" role="alert">
        <strong>This key no longer exists</strong>
        <p>It expired, or was deleted or evicted. Services load it again when they need it.</p>
        <button type="button" class="button small" onClick={onRetry}>
          Read again
        </button>
      </div>
      <h3>Why was this a miss?</h3>
      <ul class="reasons">
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
      <dl class="facts">
        <SurroundingFacts detail={null} rule={rule} lock={lock} readAt={readAt} />
      </dl>
      {name !== null && <Changes name={name} />}
    </>
  );
}

/** A restart is a likely reason for so long. */
const RECENT_SECONDS = 3600;

type Facts = Pick<Stats, 'uptimeSeconds' | 'evictedKeys' | 'evictionsPerMinute'>;

/** The reasons that the facts support, the most certain first. */
export function reasonsFor(lock: LoadLock | null, rule: TtlTable[number] | null, facts: Facts | null): string[] {
  const reasons: string[] = [];
  const uptime = facts?.uptimeSeconds ?? null;

  if (lock?.state === 'held') reasons.push('A load is in flight: the key will be stored in a moment.');
  if (lock?.state === 'failed') reasons.push('Its last load failed, and nobody tries again for a while.');
  if (uptime !== null && uptime < RECENT_SECONDS) {
    reasons.push(`Redis started ${formatSeconds(uptime)} ago: what is not stored since was lost, unless it persists.`);
  }
  if ((facts?.evictedKeys ?? 0) > 0) {
    const rate = facts?.evictionsPerMinute ? `, ${formatNumber(facts.evictionsPerMinute)} a minute recently` : '';
    reasons.push(`Redis is short of memory: it has evicted ${formatNumber(facts?.evictedKeys)} keys${rate}.`);
  }
  if (rule !== null) {
    reasons.push(`It expired: values of this prefix live for ${formatSeconds(rule.ttl)} after they are stored.`);
  }
  return [...reasons, 'It was never stored, or the name is another one.'];
}
