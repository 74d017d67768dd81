// The health indicator: a word, a colour and the reason, wherever one is in the app.
import { health } from '../state/live';

interface Verdict {
  tone: 'ok' | 'warn' | 'bad' | 'none';
  word: string;
  reason: string;
}

export function verdict(): Verdict {
  const { value, problem } = health.value;
  if (problem !== null)
    return { tone: 'bad', word: problem.unreached ? 'no answer' : 'unknown', reason: problem.message };
  if (value === null) return { tone: 'none', word: 'checking', reason: '' };
  if (value.status === 'unhealthy') return { tone: 'bad', word: 'unhealthy', reason: value.redis.error };
  if (value.status === 'degraded') return { tone: 'warn', word: 'degraded', reason: value.redis.reasons.join('; ') };
  return { tone: 'ok', word: 'healthy', reason: `Redis answers in ${value.redis.latency}` };
}

export function HealthPill() {
  const { tone, word, reason } = verdict();
  return (
    <span class={`health ${tone}`} title={reason}>
      <span class="dot" aria-hidden="true" />
      <span class="hidden">Health: </span>
      {word}
    </span>
  );
}
