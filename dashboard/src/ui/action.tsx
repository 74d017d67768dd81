// Buttons that do something through the API. One that the token's role does not allow stays in place, is announced as
// disabled, and says why in plain sight.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import type { Role } from '../api/types';
import { lacks } from '../state/session';

interface Props {
  /** Nothing where it submits the form around it. */
  onAct?: () => void;
  children: ComponentChildren;
  needs?: Role;
  /** The element that says already what role is missing; else the button says it. */
  saidBy?: string | undefined;
  /** Why it cannot be done now, other than for the role; '' where it can. */
  blocked?: string;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  busy?: boolean;
  small?: boolean;
  submit?: boolean;
}

export function Action({ needs, blocked = '', kind = 'plain', busy = false, ...props }: Props) {
  const id = useId();
  const missing = needs ? lacks(needs) : '';
  const why = missing || blocked;
  const saidBy = (missing !== '' && props.saidBy) || (why === '' ? undefined : id);
  const off = why !== '' || busy;
  const click = (event: Event): void => {
    if (off) event.preventDefault();
    else props.onAct?.();
  };
  return (
    <span class="action">
      <button
        type={props.submit ? 'submit' : 'button'}
        class={`button ${kind}${props.small ? ' small' : ''}`}
        aria-disabled={off}
        aria-busy={busy}
        aria-describedby={saidBy}
        onClick={click}
      >
        {props.children}
        {busy && <span class="spinner" aria-hidden="true" />}
      </button>
      {saidBy === id && (
        <span class="why" id={id}>
          {why}
        </span>
      )}
    </span>
  );
}

/** A row of actions for one role: where that is missing, it is said once, not at each of them. */
export function Actions({ needs, children }: { needs: Role; children: (saidBy: string) => ComponentChildren }) {
  const id = useId();
  const why = lacks(needs);
  return (
    <>
      <div class="row wrap-row">{children(id)}</div>
      <p class="why" id={id} hidden={why === ''}>
        {why}
      </p>
    </>
  );
}
