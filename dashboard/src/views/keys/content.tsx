// The value of a key with what can be done with it: copy, download, edit, and undo of an edit.
import { useState } from 'preact/hooks';
import type { KeyDetail, ValueForm } from '../../api/types';
import { formatBytes, formatNumber, formatTime } from '../../lib/format';
import { idOf, refOf } from '../../lib/key-name';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { CopyButton } from '../../ui/copy-button';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { downloadValue } from './download';
import { EditDialog } from './edit-dialog';
import { type Editable, editableOf } from './editable';
import { undo, undos } from './edits';
import type { useKey } from './use-key';
import { textToCopy, Value } from './value';

interface Props {
  detail: KeyDetail;
  read: ReturnType<typeof useKey>;
}

export function Content({ detail, read }: Props) {
  const [editing, setEditing] = useState<Editable | null>(null);
  const { elements, busy, loadMore, reload } = read;
  const download = useTask();
  const isPart = detail.truncated || detail.nextCursor !== null;
  const editable = editableOf(detail, null);
  const save = (form: ValueForm): void => void download.run(() => downloadValue(detail, form));

  return (
    <>
      <div class="value-head">
        <h3>Value</h3>
        <span class="muted grow">{describeSize(detail, elements.length)}</span>
        {editable && (
          <Action small kind="quiet" needs="admin" onAct={() => setEditing(editable)}>
            Edit
          </Action>
        )}
        <Action small kind="quiet" busy={download.busy} onAct={() => save('decoded')}>
          Download
        </Action>
        {detail.valueFormat !== 'elements' && (
          <Action small kind="quiet" busy={download.busy} onAct={() => save('stored')}>
            Download as stored
          </Action>
        )}
        <CopyButton text={textToCopy(detail, elements)} what="value" isPart={isPart} />
      </div>
      {download.problem && <Failure problem={download.problem} action="The download" />}
      <UndoNote detail={detail} onUndone={reload} />
      <Value detail={detail} elements={elements} onEdit={setEditing} />
      {detail.nextCursor !== null && (
        <Action small busy={busy} onAct={() => void loadMore()}>
          More elements
        </Action>
      )}
      {editing && <EditDialog detail={detail} editable={editing} onClose={() => setEditing(null)} onEdited={reload} />}
    </>
  );
}

/** Offers to undo the last edit, as long as that is possible. */
function UndoNote({ detail, onUndone }: { detail: KeyDetail; onUndone: () => void }) {
  const { busy, problem, run } = useTask();
  const ref = refOf(detail);
  const last = undos.value.get(idOf(ref));
  if (last === undefined || last.until < now.value) return null;

  const restore = async (): Promise<void> => {
    await undo(ref, last);
    onUndone();
  };
  return (
    <>
      <p class="row undo-note">
        The value was edited.
        <Action small needs="admin" busy={busy} onAct={() => void run(restore)}>
          Undo
        </Action>
        <span class="muted">until {formatTime(new Date(last.until))}</span>
      </p>
      {problem && <Failure problem={problem} action="The undo" />}
    </>
  );
}

function describeSize({ valueFormat, length }: KeyDetail, loaded: number): string {
  if (valueFormat !== 'elements') {
    return `${valueFormat === 'base64' ? 'binary' : valueFormat}, ${formatBytes(length)} stored`;
  }
  const all = `${formatNumber(length)} elements`;
  return loaded < length ? `${formatNumber(loaded)} of ${all}` : all;
}
