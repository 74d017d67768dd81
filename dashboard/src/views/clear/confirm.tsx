// The last step of a removal: how to clear, whether a job does it, the confirmation, and the button.
import { useId, useState } from 'preact/hooks';
import { formatCount, formatNumber } from '../../lib/format';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { CountField, countProblem } from '../../ui/count-field';
import { isLongRemoval } from './effect';
import { graceProblem, graceTyped, modeFields, modeFor } from './mode';
import { ModeChoice } from './mode-choice';
import { confirmationOf, type Preview } from './removal';
import { busy, confirmationDemanded, removeSelected, startRemovalJob } from './store';

const MAX_PACE = 1_000_000;

export function ConfirmForm({ preview }: { preview: Preview }) {
  const { count, selection, role, canBeJob, isFlush } = preview;
  const [typed, setTyped] = useState('');
  const [pace, setPace] = useState('');
  const [wantsJob, setWantsJob] = useState<boolean | null>(null);
  const chosen = modeFor(preview);
  const needsCount = preview.needsCount || confirmationDemanded.value;
  // Until the user decides: a job for a removal that takes long.
  const asJob = canBeJob && (wantsJob ?? (isLongRemoval(count) && !(isFlush && chosen === 'hard')));
  const blocked = blockedReason(preview, needsCount ? typed : null, asJob ? pace : '');

  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked !== '' || busy.value !== '') return;

    const options = {
      confirmation: needsCount ? confirmationOf(preview) : {},
      ...modeFields(chosen, graceTyped.value),
    };
    if (asJob) void startRemovalJob(selection, options, pace === '' ? null : Number(pace));
    else void removeSelected(selection, options);
  };

  if (count === 0) return null;
  return (
    <form class="confirm" onSubmit={submit}>
      {preview.canBeSoft && <ModeChoice />}
      {canBeJob && <JobChoice asJob={asJob} pace={pace} onChoose={setWantsJob} onPace={setPace} />}
      {needsCount && <CountField count={count} typed={typed} onType={setTyped} />}
      <Action
        kind={chosen === 'soft' ? 'primary' : 'danger'}
        submit
        needs={role}
        busy={busy.value === 'clear'}
        blocked={blocked}
      >
        {chosen === 'soft' ? `Mark ${formatCount(count, 'key')} stale` : `Delete ${formatCount(count, 'key')}`}
      </Action>
    </form>
  );
}

/** `typed` is null when no confirmation is needed. */
function blockedReason(preview: Preview, typed: string | null, pace: string): string {
  const grace = modeFor(preview) === 'soft' ? graceProblem(graceTyped.value) : '';
  if (grace !== '') return grace;

  const limit = Number(pace);
  const isPaceValid = pace === '' || (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PACE);
  if (!isPaceValid) return `Type the keys per second as a whole number up to ${formatNumber(MAX_PACE)}.`;

  return typed === null ? '' : countProblem(typed, preview.count);
}

interface JobChoiceProps {
  asJob: boolean;
  pace: string;
  onChoose: (asJob: boolean) => void;
  onPace: (typed: string) => void;
}

function JobChoice({ asJob, pace, onChoose, onPace }: JobChoiceProps) {
  const id = useId();

  return (
    <div>
      <Check checked={asJob} onChange={onChoose}>
        Run as a job: it goes on when this tab is closed, and can be paused or cancelled
      </Check>
      {asJob && (
        <p class="row grace">
          <label for={id}>At most</label>
          <input
            id={id}
            class="num short"
            inputMode="numeric"
            placeholder="no limit"
            value={pace}
            onInput={(event) => onPace(event.currentTarget.value.trim())}
          />
          <span>keys per second</span>
        </p>
      )}
    </div>
  );
}
