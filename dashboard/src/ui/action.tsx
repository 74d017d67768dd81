// A button that acts through the API. When the token's role is too low, the button stays visible, is announced as disabled,
// and the reason is shown beside it.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { missingRole } from '../api/session';
import type { Role } from '../api/types';

interface Props {
  /** Left out when the button submits the form around it. */
  onAct?: () => void;
  children: ComponentChildren;
  needs?: Role;
  /** The id of an element that already shows the missing role. Without one the button shows it. */
  describedBy?: string | undefined;
  /** The reason, apart from the role, that the action is not possible now; '' when it is possible. */
  blocked?: string;
  kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  busy?: boolean;
  small?: boolean;
  submit?: boolean;
}

export function Action({ needs, blocked = '', kind = 'plain', busy = false, ...props }: Props) {
  const id = useId();
  const missing = needs ? missingRole(needs) : '';
  const reason = missing || blocked;
  const describedBy = (missing !== '' && props.describedBy) || (reason === '' ? undefined : id);
  const disabled = reason !== '' || busy;

  const click = (event: Event): void => {
    if (disabled) event.preventDefault();
    else props.onAct?.();
  };

  return (
    <span class="action">
      <button
        type={props.submit ? 'submit' : 'button'}
        class={`button ${kind}${props.small ? ' small' : ''}`}
        aria-disabled={disabled}
        aria-busy={busy}
        aria-describedby={describedBy}
        onClick={click}
      >
        {props.children}
        {busy && <span class="spinner" aria-hidden="true" />}
      </button>
      {describedBy === id && (
        <span class="why" id={id}>
          {reason}
        </span>
      )}
    </span>
  );
}

/** A row of actions that need the same role. A missing role is shown once, below the row. */
export function Actions({ needs, children }: { needs: Role; children: (describedBy: string) => ComponentChildren }) {
  const id = useId();
  const missing = missingRole(needs);

  return (
    <>
      <div class="row wrap-row">{children(id)}</div>
      <p class="why" id={id} hidden={missing === ''}>
        {missing}
      </p>
    </>
  );
}
