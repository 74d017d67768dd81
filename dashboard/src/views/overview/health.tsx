// The health of the cache as a word, a colour and a reason.
import { formatMilliseconds } from '../../lib/format';
import { health } from '../../state/live';
import { Icon } from '../../ui/icon';

interface Verdict {
  tone: 'ok' | 'warn' | 'bad' | 'none';
  word: string;
  reason: string;
}

export function healthVerdict(): Verdict {
  const { value, problem } = health.value;
  if (problem !== null) {
    return { tone: 'bad', word: problem.unreachable ? 'no answer' : 'unknown', reason: problem.message };
  }
  if (value === null) return { tone: 'none', word: 'checking', reason: '' };

  const reasons = value.redis.reasons.join('; ');
  if (value.status === 'unhealthy') return { tone: 'bad', word: 'unhealthy', reason: reasons };
  if (value.status === 'degraded') return { tone: 'warn', word: 'degraded', reason: reasons };

  const unchecked = value.redis.unknown.map(({ reason }) => `; ${reason}`).join('');
  return {
    tone: 'ok',
    word: 'healthy',
    reason: `Redis answers in ${formatMilliseconds(value.redis.latencyMs)}${unchecked}`,
  };
}

export function HealthPill() {
  const { tone, word, reason } = healthVerdict();

  return (
    <span class={`health ${tone}`} title={reason}>
      <Icon name={tone} />
      <span class="hidden">Health: </span>
      {word}
    </span>
  );
}
