// The banner above every view: the application is not responding, or Redis cannot be used, and the age of the figures.
import { timeSince } from '../lib/format';
import { health, now, stats } from '../state/live';

export function Banner() {
  const problem = health.value.problem ?? stats.value.problem;
  if (problem?.unreachable) {
    return (
      <div class="banner bad" role="alert">
        <strong>The application is not responding.</strong> {problem.message} {ageOfFigures()}
      </div>
    );
  }

  const cause = redisProblem();
  if (cause === '') return null;

  const connected = refusedByRedis();
  return (
    <div class="banner bad" role="alert">
      <strong>Redis {connected ? 'cannot be used' : 'is not available'}.</strong> {cause}.{' '}
      {connected
        ? 'Until this is fixed, nothing can be stored, cleared or invalidated.'
        : 'Services get no cached values. Check that Redis is running and that this application can reach it.'}{' '}
      {ageOfFigures()}
    </div>
  );
}

/** The problem with Redis that the health check found, or else the statistics, which are read more often; '' for none. */
function redisProblem(): string {
  const checked = health.value.value;
  if (checked?.status === 'unhealthy' && checked.redis.connected) return checked.redis.reasons.join('; ');

  if (checked?.status === 'unhealthy') {
    const { error, lastSeen } = checked.redis;
    return `${error}. ${lastSeen === null ? 'The time of its last answer is unknown' : `It last answered ${timeSince(lastSeen, now.value)}`}`;
  }

  const { problem } = stats.value;
  return problem?.redisDown ? problem.message : '';
}

/** Redis is connected, but refuses what the cache needs. */
function refusedByRedis(): boolean {
  const checked = health.value.value;
  return checked?.status === 'unhealthy' && checked.redis.connected;
}

function ageOfFigures(): string {
  return stats.value.at === 0 ? '' : `The figures are from ${timeSince(stats.value.at, now.value)}.`;
}
