// Changing when a key expires.
import { useId, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { KeyDetail } from '../../api/types';
import { seconds } from '../../lib/format';
import { announce } from '../../state/announce';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { Dialog } from '../../ui/dialog';
import { Trouble } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { walk } from './store';

const CHOICES = [60, 600, 3600, 86_400];

interface Props {
  path: string;
  detail: KeyDetail;
  onClose: () => void;
  onDone: () => void;
}

export function Expiry({ path, detail, onClose, onDone }: Props) {
  const [typed, setTyped] = useState(detail.ttl > 0 ? String(detail.ttl) : '600');
  const [forEver, setForEver] = useState(false);
  const { busy, problem, run } = useTask();
  const id = useId();
  const wanted = Number(typed);
  const valid = forEver || (Number.isInteger(wanted) && wanted >= 1);

  const change = async (): Promise<void> => {
    const { ttl } = await api.changeExpiry(path, forEver ? { persist: true } : { ttl: wanted });
    walk.peek()?.touch(path, ttl);
    announce(ttl < 0 ? 'The key does not expire any more' : `The key expires in ${seconds(ttl)}`);
    onDone();
    onClose();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (valid) void run(change);
  };
  return (
    <Dialog title="Change the time to live" onClose={onClose}>
      <form onSubmit={submit}>
        <p class="mono wrap">{detail.key}</p>
        <div class="field">
          <label for={id}>Seconds from now</label>
          <input
            id={id}
            class="num"
            inputMode="numeric"
            value={typed}
            disabled={forEver}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <p class="row">
            {CHOICES.map((choice) => (
              <button
                key={choice}
                type="button"
                class="button quiet small"
                disabled={forEver}
                onClick={() => setTyped(String(choice))}
              >
                {seconds(choice).replace(/ 0[smh]$/, '')}
              </button>
            ))}
          </p>
          <Check checked={forEver} onChange={setForEver}>
            Never expires
          </Check>
        </div>
        {problem && <Trouble problem={problem} what="Changing the TTL" />}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <Action kind="primary" submit busy={busy} blocked={valid ? '' : 'Type a whole number of seconds, 1 or more.'}>
            Change
          </Action>
        </div>
      </form>
    </Dialog>
  );
}
