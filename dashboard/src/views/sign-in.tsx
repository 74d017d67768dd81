// The sign-in form. The token is sent to this application only, and forgotten when the tab closes.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { rejection, signIn } from '../api/session';

export function SignIn() {
  const [typed, setTyped] = useState('');
  const [isMissing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const error = isMissing ? 'Type or paste a token first.' : rejection.value;

  useEffect(() => {
    document.title = 'Sign in – edge-cache';
    field.current?.focus();
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    setMissing(typed.trim() === '');
    if (typed.trim() !== '') signIn(typed);
    else field.current?.focus();
  };

  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form class="card" onSubmit={submit}>
        <h1>Sign in</h1>
        <p class="muted">
          Enter your token for this application; <code>scripts/up</code> prints one. It is kept in this tab only and
          sent to this application only.
        </p>
        <label for={id}>Token</label>
        <TokenField id={id} field={field} value={typed} isInvalid={error !== ''} onType={setTyped} />
        {error !== '' && (
          <p class="error" id={`${id}-why`} role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="button primary">
          Sign in
        </button>
      </form>
    </main>
  );
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
