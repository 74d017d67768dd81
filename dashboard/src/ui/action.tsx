// Buttons that do something through the API. One that the token's role does not allow stays in place, is announced as
// disabled, and says why in plain sight.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Role } from '../api/types';
import { lacks } from '../state/session';

interface Props {
  onAct: () => void;
  children: ComponentChildren;
  needs?: Role;
  /** Why it cannot be done now, other than for the role; '' where it can. */
  blocked?: string;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  busy?: boolean;
  small?: boolean;
  label?: string;
  /** Submits the form around it; `onAct` is then the form's business. */
  submit?: boolean;
}

export function Action({ needs, blocked = '', kind = 'plain', busy = false, ...props }: Props) {
  const id = useId();
  const why = (needs && lacks(needs)) || blocked;
  const off = why !== '' || busy;
  const click = (event: Event): void => {
    if (off) event.preventDefault();
    else if (!props.submit) props.onAct();
  };
  return (
    <span class="action">
      <button
        type={props.submit ? 'submit' : 'button'}
        class={`button ${kind}${props.small ? ' small' : ''}`}
        aria-disabled={off}
        aria-busy={busy}
        aria-describedby={why === '' ? undefined : id}
        aria-label={props.label}
        onClick={click}
      >
        {props.children}
        {busy && <span class="spinner" aria-hidden="true" />}
      </button>
      {why !== '' && (
        <span class="why" id={id}>
          {why}
        </span>
      )}
    </span>
  );
}
