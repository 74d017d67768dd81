// The state of the cache: health with its reason, alerts with advice, figures, and charts since the page was opened.
import { timeSince } from '../../lib/format';
import { health, now, refreshHealth, refreshStats, stats } from '../../state/live';
import { Empty, Failure, Loading } from '../../ui/notes';
import { Alerts } from './alerts';
import { Charts } from './charts';
import { Figures } from './figures';
import { healthVerdict } from './health';
import { Nodes } from './nodes';

export function Overview() {
  const { value, problem, at } = stats.value;
  const refresh = (): void => {
    void refreshStats();
    void refreshHealth();
  };
  // The banner above every view describes the other problems.
  const failure = problem && !problem.unreachable && !problem.redisDown ? problem : null;

  return (
    <div class={`overview${problem && value ? ' stale' : ''}`}>
      <div class="view-head">
        <h1>Overview</h1>
        <span class="muted grow">{at > 0 && `Updated ${timeSince(at, now.value)}`}</span>
        <button type="button" class="button small" onClick={refresh}>
          Refresh
        </button>
      </div>
      <HealthCard />
      {failure && <Failure problem={failure} action="Reading the statistics" retry={refresh} />}
      {value === null && problem === null && <Loading what="statistics" />}
      {value === null && problem !== null && <Empty>No figures yet. This page tries again every 5 s.</Empty>}
      {value && (
        <>
          {problem === null && <Alerts stats={value} />}
          <Figures stats={value} />
          <Nodes stats={value} />
          <Charts />
        </>
      )}
    </div>
  );
}

function HealthCard() {
  const { tone, word, reason } = healthVerdict();
  const { value, problem } = health.value;
  // The banner above every view describes these two.
  if (problem?.unreachable || value?.status === 'unhealthy') return null;

  return (
    <section class={`health-card ${tone}`} aria-label="Health">
      <span class="dot" aria-hidden="true" />
      <strong>{word}</strong>
      <span>{reason}</span>
    </section>
  );
}
