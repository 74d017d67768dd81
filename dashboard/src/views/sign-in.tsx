// The sign-in form. A token is tried before it is kept, and sent to this application only.
import type { RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import * as api from '../api/endpoints';
import { asProblem } from '../api/problem';
import { rejection, REMEMBERED_HOURS, signIn } from '../api/session';
import { Action } from '../ui/action';
import { Check } from '../ui/check';
import { pageTitle } from './alarm';

/** The application's own words. */
const UNKNOWN = 'this token is not known';

export function SignIn() {
  const [typed, setTyped] = useState('');
  const [remember, setRemember] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const { refusal, busy, submit } = useSubmit(typed, remember, field);
  const error = refusal || rejection.value;

  useEffect(() => {
    pageTitle.value = 'Sign in';
    field.current?.focus();
  }, []);

  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form class="card" onSubmit={(event) => void submit(event)}>
        <h1>Sign in</h1>
        <p class="muted">
          Enter your token for this application; <code>scripts/up</code> prints one. It is sent to this application
          only.
        </p>
        <label for={id}>Token</label>
        <TokenField id={id} field={field} value={typed} isInvalid={error !== ''} onType={setTyped} />
        {error !== '' && (
          <p class="error" id={`${id}-why`} role="alert">
            {error}
          </p>
        )}
        <Check checked={remember} onChange={setRemember}>
          Remember me in this browser for {REMEMBERED_HOURS} hours
        </Check>
        <p class="hint">Otherwise this tab only, until it is closed.</p>
        <Action kind="primary" submit busy={busy}>
          Sign in
        </Action>
      </form>
    </main>
  );
}

/** Signs in with a token that is accepted; otherwise returns the refusal. */
function useSubmit(typed: string, remember: boolean, field: RefObject<HTMLInputElement | null>) {
  const [refusal, setRefusal] = useState('');
  const [busy, setBusy] = useState(false);

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (busy) return;

    setBusy(true);
    const reason = await refusalOf(typed.trim());
    setBusy(false);

    setRefusal(reason);
    if (reason === '') signIn(typed, remember);
    else field.current?.focus();
  };
  return { refusal, busy, submit };
}

/**
 * The reason that nobody can sign in with this token; '' when it is accepted. When it cannot be checked now, it is accepted: the
 * page then shows why the application or Redis does not answer.
 */
async function refusalOf(token: string): Promise<string> {
  if (token === '') return 'Type or paste a token first.';

  try {
    await api.tryToken(token);
    return '';
  } catch (error) {
    const { status, message } = asProblem(error);
    if (status === 401) return message === UNKNOWN ? 'Unknown token. Did you paste all of it?' : message;
    return status === 429 ? message : '';
  }
}

interface FieldProps {
  id: string;
  field: { current: HTMLInputElement | null };
  value: string;
  isInvalid: boolean;
  onType: (text: string) => void;
}

/** A password field that can be revealed. `{id}-why` is the element with the error. */
function TokenField({ id, field, value, isInvalid, onType }: FieldProps) {
  const [revealed, setRevealed] = useState(false);

  const attributes = {
    id,
    ref: field,
    class: 'grow mono',
    autocomplete: 'off',
    spellcheck: false,
    value,
    'aria-invalid': isInvalid,
    'aria-describedby': isInvalid ? `${id}-why` : undefined,
    onInput: (event: { currentTarget: HTMLInputElement }) => onType(event.currentTarget.value),
  } as const;

  return (
    <div class="row">
      {revealed ? <input {...attributes} type="text" /> : <input {...attributes} type="password" />}
      <button type="button" class="button quiet" aria-pressed={revealed} onClick={() => setRevealed(!revealed)}>
        {revealed ? 'Hide' : 'Show'}
      </button>
    </div>
  );
}
