// The banner above every view: the application is not responding, Redis is not available, or it refuses writes.
import { timeSince } from '../lib/format';
import { health, now, stats } from '../state/live';
import { href } from '../state/route';
import { AlertBox } from '../ui/alert-box';
import { refusedWrites } from './states';

export function Banner() {
  const problem = health.value.problem ?? stats.value.problem;
  if (problem?.unreachable) {
    return (
      <AlertBox
        isUrgent
        tone="bad"
        title="The application is not responding."
        cause={problem.message}
        action={ageOfFigures()}
      />
    );
  }
  return <RefusedWrites />;
}

/** Redis answers and refuses writes; otherwise it cannot be used for another reason. */
function RefusedWrites() {
  const refused = refusedWrites(health.value.value);
  if (refused === null) return <RedisDown />;

  return (
    <AlertBox
      isUrgent
      tone="bad"
      title={refused.title}
      figure={memoryFigure(refused.canClear)}
      cause={<>Redis reports: {refused.cause}.</>}
      action={
        <>
          {refused.remedy} {refused.canClear && <a href={href('memory')}>See what fills it</a>}
        </>
      }
    />
  );
}

function memoryFigure(isMemory: boolean): string {
  const percent = stats.value.value?.usagePercent ?? null;
  return isMemory && percent !== null ? `${percent.toFixed(1)} % of maxmemory` : '';
}

function RedisDown() {
  const cause = redisProblem();
  if (cause === '') return null;
  const connected = refusedByRedis();

  return (
    <AlertBox
      isUrgent
      tone="bad"
      title={`Redis ${connected ? 'cannot be used' : 'is not available'}.`}
      cause={`${cause}.`}
      action={
        <>
          {connected
            ? 'Until this is fixed, nothing can be stored, cleared or invalidated.'
            : 'Services get no cached values. Check that Redis is running and that this application can reach it.'}{' '}
          {ageOfFigures()}
        </>
      }
    />
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
