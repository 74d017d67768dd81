// The dialog that marks named keys stale, or deletes them.
import { formatCount } from '../../lib/format';
import { type KeyRef, type NamedKey, refOf } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';
import { Action } from '../../ui/action';
import { Dialog } from '../../ui/dialog';
import { Names } from '../../ui/names';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { graceTyped, modeFields } from '../clear/mode';
import { describeRemoval } from '../clear/removal';
import { clearKeys } from './bulk';

interface Props {
  names: readonly NamedKey[];
  isSoft: boolean;
  onClose: () => void;
  onDone: (refs: readonly KeyRef[]) => void;
}

export function ClearDialog({ names, isSoft, onClose, onDone }: Props) {
  const { busy, problem, run } = useTask();
  const keys = formatCount(names.length, 'key');

  const clear = async (): Promise<void> => {
    const refs = names.map(refOf);
    const done = await clearKeys(refs, modeFields(isSoft ? 'soft' : 'hard', graceTyped.peek()));

    announce(describeRemoval(done));
    void refreshStats();
    onClose();
    onDone(refs);
  };

  return (
    <Dialog title={isSoft ? `Mark ${keys} stale?` : `Delete ${keys}?`} onClose={onClose}>
      <p class="mono wrap">
        <Names names={names} />
      </p>
      <p class="muted">
        {isSoft
          ? 'Readers get the old value while one request refreshes it.'
          : 'The next service that needs one of them loads it again.'}{' '}
        The audit trail records this.
      </p>
      {problem && <Failure problem={problem} action={isSoft ? 'Marking' : 'Deleting'} />}
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <Action
          kind={isSoft ? 'primary' : 'danger'}
          needs={names.some(({ key }) => isProtected(key)) ? 'admin' : 'operator'}
          busy={busy}
          onAct={() => void run(clear)}
        >
          {isSoft ? 'Mark stale' : 'Delete'}
        </Action>
      </div>
    </Dialog>
  );
}
