// The schedule of warmups: the interval, the last and the next scheduled warmup, and the last check.
import { formatSeconds, formatTime, timeSince, timeUntil } from '../../lib/format';
import { now } from '../../state/live';
import { Failure } from '../../ui/notes';
import { plan, planProblem, statusProblem } from './store';

const REASONS = {
  empty: 'because the cache was empty',
  restarted: 'because Redis had been restarted',
  retry: 'because the previous one had failed',
  due: 'because it was due',
};

export function Schedule() {
  if (planProblem.value?.unsupported) {
    return <p class="muted">This application does not report its plan and schedule: it is older than this page.</p>;
  }
  // The same problem is already shown for the state of warmups.
  if (planProblem.value && statusProblem.value) return null;
  if (planProblem.value) return <Failure problem={planProblem.value} action="Reading the plan" />;

  const schedule = plan.value?.schedule;
  if (!schedule) return null;

  const { intervalSeconds, lastAt, lastReason, nextAt, lastCheckAt } = schedule;
  const past = (time: string): string => `${formatTime(time)} (${timeSince(time, now.value)})`;
  return (
    <section aria-label="Schedule">
      <h2>Schedule</h2>
      <dl class="facts">
        <dt>Interval</dt>
        <dd>{formatSeconds(intervalSeconds)}</dd>
        <dt>Last scheduled run</dt>
        <dd>{lastAt ? `${past(lastAt)}, ${REASONS[lastReason ?? 'due']}` : 'none yet'}</dd>
        <dt>Next</dt>
        <dd>{nextAt ? `${formatTime(nextAt)} (${timeUntil(nextAt, now.value)})` : 'not known'}</dd>
        <dt>Last check</dt>
        <dd>{lastCheckAt ? past(lastCheckAt) : 'none yet; is the scheduled component running?'}</dd>
      </dl>
    </section>
  );
}
