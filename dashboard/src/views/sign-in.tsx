// Asks for the token. It goes nowhere but into the requests to this application, and is forgotten with the tab.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { rejection, signIn } from '../state/session';

export function SignIn() {
  const [typed, setTyped] = useState('');
  const [shown, setShown] = useState(false);
  const [missing, setMissing] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const why = missing ? 'Type or paste a token first.' : rejection.value;
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
  const shared = {
    id,
    ref: field,
    class: 'grow mono',
    autocomplete: 'off',
    spellcheck: false,
    value: typed,
    'aria-invalid': why !== '',
    'aria-describedby': why === '' ? undefined : `${id}-why`,
    onInput: (event: { currentTarget: HTMLInputElement }) => setTyped(event.currentTarget.value),
  } as const;
  return (
    <main id="main" class="sign-in" tabIndex={-1}>
      <form class="card" onSubmit={submit}>
        <h1>Sign in</h1>
        <p class="muted">
          With the token you were given for this application; <code>scripts/up</code> prints one. It is kept in this tab
          only and sent to this application only.
        </p>
        <label for={id}>Token</label>
        <div class="row">
          {shown ? <input {...shared} type="text" /> : <input {...shared} type="password" />}
          <button type="button" class="button quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? 'Hide' : 'Show'}
          </button>
        </div>
        {why !== '' && (
          <p class="error" id={`${id}-why`} role="alert">
            {why}
          </p>
        )}
        <button type="submit" class="button primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
