// The dialog that changes the TTL of a key, or removes it.
import { useId, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { KeyDetail } from '../../api/types';
import { formatSeconds } from '../../lib/format';
import { refOf } from '../../lib/key-name';
import { announce } from '../../state/announce';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { Dialog } from '../../ui/dialog';
import { Name } from '../../ui/name';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { walk } from './store';

const DEFAULT_SECONDS = 600;
const SUGGESTED_SECONDS = [60, 600, 3600, 86_400];

interface Props {
  detail: KeyDetail;
  onClose: () => void;
  onChanged: () => void;
}

export function TtlDialog({ detail, onClose, onChanged }: Props) {
  const [typed, setTyped] = useState(String(detail.ttl > 0 ? detail.ttl : DEFAULT_SECONDS));
  const [isPersistent, setPersistent] = useState(false);
  const { busy, problem, run } = useTask();
  const seconds = Number(typed);
  const isValid = isPersistent || (Number.isInteger(seconds) && seconds >= 1);

  const change = async (): Promise<void> => {
    await changeTtl(detail, isPersistent ? null : seconds);
    onChanged();
    onClose();
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isValid) void run(change);
  };

  return (
    <Dialog title="Change the TTL" onClose={onClose}>
      <form onSubmit={submit}>
        <p class="mono wrap">
          <Name text={detail.key} escaped={detail.keyBase64 !== undefined} whole />
        </p>
        <div class="field">
          <SecondsField typed={typed} disabled={isPersistent} onType={setTyped} />
          <Check checked={isPersistent} onChange={setPersistent}>
            Never expires
          </Check>
        </div>
        {problem && <Failure problem={problem} action="Changing the TTL" />}
        <Buttons busy={busy} blocked={isValid ? '' : 'Type a whole number of seconds, 1 or more.'} onCancel={onClose} />
      </form>
    </Dialog>
  );
}

function Buttons({ busy, blocked, onCancel }: { busy: boolean; blocked: string; onCancel: () => void }) {
  return (
    <div class="row end">
      <button type="button" class="button" onClick={onCancel}>
        Cancel
      </button>
      <Action kind="primary" submit busy={busy} blocked={blocked}>
        Change
      </Action>
    </div>
  );
}

/** Null removes the TTL. */
async function changeTtl(detail: KeyDetail, seconds: number | null): Promise<void> {
  const ref = refOf(detail);
  const { ttl } = await api.changeExpiry(ref, seconds === null ? { persist: true } : { ttl: seconds });

  walk.peek()?.changeTtl(ref, ttl);
  announce(ttl < 0 ? 'The key no longer expires' : `The key expires in ${formatSeconds(ttl)}`);
}

interface FieldProps {
  typed: string;
  disabled: boolean;
  onType: (text: string) => void;
}

function SecondsField({ typed, disabled, onType }: FieldProps) {
  const id = useId();

  return (
    <>
      <label for={id}>Seconds from now</label>
      <input
        id={id}
        class="num"
        inputMode="numeric"
        value={typed}
        disabled={disabled}
        onInput={(event) => onType(event.currentTarget.value)}
      />
      <p class="row">
        {SUGGESTED_SECONDS.map((seconds) => (
          <button
            key={seconds}
            type="button"
            class="button quiet small"
            disabled={disabled}
            onClick={() => onType(String(seconds))}
          >
            {formatSeconds(seconds)}
          </button>
        ))}
      </p>
    </>
  );
}
