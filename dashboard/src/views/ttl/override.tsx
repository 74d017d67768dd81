// The form that overrides a row of the TTL table, or adds one.
import { useId, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { TtlTable } from '../../api/types';
import { formatSeconds } from '../../lib/format';
import { announce } from '../../state/announce';
import { Action } from '../../ui/action';
import { DURATION_PROBLEM, DurationField, secondsOf, type TypedDuration } from '../../ui/duration-field';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';

interface Props {
  /** The prefix to begin with. */
  prefix: string;
  onChanged: (table: TtlTable) => void;
}

export function Override({ prefix, onChanged }: Props) {
  const [typed, setTyped] = useState(prefix);
  const [duration, setDuration] = useState<TypedDuration>({ typed: '1', unit: 'hours' });
  const { busy, problem, run } = useTask();
  const id = useId();
  const seconds = secondsOf(duration);
  const blocked = typed === '' ? 'Type a prefix first.' : seconds === null ? DURATION_PROBLEM : '';

  const change = async (): Promise<void> => {
    onChanged(await api.setTtl(typed, seconds ?? 1));
    announce(`Values of ${typed} live ${formatSeconds(seconds ?? 1)} from now on`);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked === '' && !busy) void run(change);
  };

  return (
    <form class="card" onSubmit={submit}>
      <div class="row">
        <label for={id}>Prefix</label>
        <input
          id={id}
          class="mono"
          autocomplete="off"
          spellcheck={false}
          placeholder="products:popular, or * for all others"
          data-search
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <DurationField label="TTL" value={duration} onChange={setDuration} />
        <Action kind="primary" submit needs="admin" busy={busy} blocked={blocked}>
          Override
        </Action>
      </div>
      <p class="hint">In force at once, on every instance, for values that are stored from then on.</p>
      {problem && <Failure problem={problem} action="Changing the TTL table" />}
    </form>
  );
}
