// The state of the cache: health with its reason, alerts with advice, the services' hit rate, figures, and the timeline.
import { timeSince } from '../../lib/format';
import { health, now, refreshHealth, refreshStats, stats } from '../../state/live';
import { Icon } from '../../ui/icon';
import { Empty, Failure } from '../../ui/notes';
import { isMemoryAlone } from '../states';
import { Alerts } from './alerts';
import { ColdCache } from './cold';
import { Figures } from './figures';
import { healthVerdict } from './health';
import { Nodes } from './nodes';
import { Services } from './services';
import { Timeline } from './timeline';

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
      {value === null && problem === null && <Placeholder />}
      {value === null && problem !== null && <Empty>No figures yet. This page tries again every 5 s.</Empty>}
      {value && (
        <>
          {problem === null && <ColdCache stats={value} />}
          {problem === null && <Alerts stats={value} />}
          <Services stats={value} />
          <Figures stats={value} />
          <Nodes stats={value} />
          <Timeline stats={value} />
        </>
      )}
    </div>
  );
}

/** Stands in for the first figures, and is as high as they are. */
function Placeholder() {
  return (
    <div class="skeleton" role="status">
      <span class="hidden">Loading statistics …</span>
      <div class="services">
        <div class="headline card bone" />
      </div>
      <div class="figures">
        <div class="figure wide bone" />
        {[1, 2, 3, 4].map((number) => (
          <div key={number} class="figure bone" />
        ))}
      </div>
      <div class="figures minor">
        {[1, 2, 3, 4].map((number) => (
          <div key={number} class="figure bone" />
        ))}
      </div>
      <div class="card bone tall" />
    </div>
  );
}

function HealthCard() {
  const { tone, word, reason } = healthVerdict();
  const { value, problem } = health.value;
  // The banner above every view describes these.
  if (problem?.unreachable || value?.status === 'unhealthy' || isMemoryAlone(value)) return null;

  return (
    <section class={`health-card ${tone}`} aria-label="Health">
      <Icon name={tone} />
      <strong>{word}</strong>
      <span>{reason}</span>
    </section>
  );
}
