// Removals since the page was opened: jobs with their live progress, and those that have ended.
import { formatMilliseconds, formatTime } from '../../lib/format';
import { href } from '../../state/route';
import { JobPanel } from '../jobs/panel';
import { describeRemoval } from './removal';
import { removals, startedJobs } from './store';
import { SelectionSummary } from './summary';

export function StartedJobs() {
  return (
    <>
      {startedJobs.value.map((id) => (
        <JobPanel
          key={id}
          id={id}
          hint={
            <p>
              You can close this tab: the job goes on. <a href={href('jobs', { id })}>Open the job</a>
            </p>
          }
        />
      ))}
    </>
  );
}

export function Removals() {
  if (removals.value.length === 0) return null;

  return (
    <section aria-label="Removals since this page was opened">
      <h2>Cleared since this page was opened</h2>
      <ul class="removals">
        {removals.value.map((removal) => (
          <li key={removal.at.getTime()}>
            <span class="muted num">{formatTime(removal.at)}</span> <strong>{describeRemoval(removal)}</strong> in{' '}
            {formatMilliseconds(removal.durationMs)} · <SelectionSummary selection={removal.selection} />
            {removal.warnings.map((warning) => (
              <p key={warning} class="error">
                {warning}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
