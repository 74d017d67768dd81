// Deleting one key, after asking.
import * as api from '../../api/endpoints';
import type { KeyDetail } from '../../api/types';
import { bytes } from '../../lib/format';
import { isProtected } from '../../lib/pattern';
import { announce } from '../../state/announce';
import { Action } from '../../ui/action';
import { Dialog } from '../../ui/dialog';
import { Trouble } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { walk } from './store';

interface Props {
  path: string;
  detail: KeyDetail;
  onClose: () => void;
  onDone: () => void;
}

export function DeleteKey({ path, detail, onClose, onDone }: Props) {
  const { busy, problem, run } = useTask();
  const remove = async (): Promise<void> => {
    const name = detail.keyBase64 === undefined ? detail.key : { base64: detail.keyBase64 };
    const { stats } = await api.invalidate({ keys: [name] });
    announce(stats.keysInvalidated === 1 ? 'Key deleted' : 'The key was gone already');
    walk.peek()?.drop(path);
    onClose();
    onDone();
  };
  return (
    <Dialog title="Delete this key?" onClose={onClose}>
      <p class="mono wrap">{detail.key}</p>
      <p class="muted">
        {detail.type}, {bytes(detail.sizeBytes)}. The next service that needs it loads it again; this is in the audit
        trail.
      </p>
      {problem && <Trouble problem={problem} what="Deleting" />}
      <div class="row end">
        <button type="button" class="button" onClick={onClose}>
          Keep it
        </button>
        <Action
          kind="danger"
          needs={isProtected(detail.key) ? 'admin' : 'operator'}
          busy={busy}
          onAct={() => void run(remove)}
        >
          Delete
        </Action>
      </div>
    </Dialog>
  );
}
