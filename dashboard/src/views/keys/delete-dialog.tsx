// The dialog that deletes one key after a confirmation.
import * as api from '../../api/endpoints';
import { asProblem } from '../../api/problem';
import type { KeyDetail } from '../../api/types';
import { formatBytes } from '../../lib/format';
import { type KeyRef, refOf } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { announce } from '../../state/announce';
import { Action } from '../../ui/action';
import { Dialog } from '../../ui/dialog';
import { Name } from '../../ui/name';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { walk } from './store';

interface Props {
  detail: KeyDetail;
  onClose: () => void;
  onDeleted: () => void;
}

export function DeleteDialog({ detail, onClose, onDeleted }: Props) {
  const { busy, problem, run } = useTask();
  const deleteKey = async (): Promise<void> => {
    const ref = refOf(detail);
    announce((await removeIfExists(ref)) ? 'Key deleted' : 'This key no longer exists');
    walk.peek()?.removeRows([ref]);
    onClose();
    onDeleted();
  };

  return (
    <Dialog title="Delete this key?" onClose={onClose}>
      <p class="mono wrap">
        <Name text={detail.key} escaped={detail.keyBase64 !== undefined} whole />
      </p>
      <p class="muted">
        {detail.type}, {formatBytes(detail.sizeBytes)}. The next service that needs the key loads it again. The deletion
        is recorded in the audit trail.
      </p>
      {problem && <Failure problem={problem} action="Deleting" />}
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <Action
          kind="danger"
          needs={isProtected(detail.key) ? 'admin' : 'operator'}
          busy={busy}
          onAct={() => void run(deleteKey)}
        >
          Delete
        </Action>
      </div>
    </Dialog>
  );
}

async function removeIfExists(ref: KeyRef): Promise<boolean> {
  try {
    await api.removeKey(ref);
    return true;
  } catch (error) {
    if (asProblem(error).status !== 404) throw error;
    return false;
  }
}
