// The dialog that edits a value. When somebody else changed it first, the newer value is shown beside the edited one.
import { useId, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem } from '../../api/problem';
import type { KeyDetail } from '../../api/types';
import { refOf } from '../../lib/key-name';
import { parseJsonText } from '../../lib/json-text';
import { Action } from '../../ui/action';
import { Dialog } from '../../ui/dialog';
import { Name } from '../../ui/name';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { type Editable, editableOf } from './editable';
import { edit } from './edits';

interface Props {
  detail: KeyDetail;
  editable: Editable;
  onClose: () => void;
  onEdited: () => void;
}

export function EditDialog({ detail, editable, onClose, onEdited }: Props) {
  const [text, setText] = useState(editable.text);
  const [hash, setHash] = useState(editable.hash);
  const [newer, setNewer] = useState<Editable | null>(null);
  const { busy, problem, run } = useTask();
  const ref = refOf(detail);
  const blocked = editProblem(editable, text);

  const save = (expected: string): void =>
    void run(async () => {
      try {
        await edit(ref, text, expected, editable.field);
      } catch (error) {
        setNewer(asProblem(error).kind === 'value-changed' ? await readNewer() : null);
        throw error;
      }
      onClose();
      onEdited();
    });
  const readNewer = async (): Promise<Editable | null> => {
    const current = await api.inspectKey(ref).catch(() => null);
    return current && editableOf(current, editable.field);
  };
  const takeNewer = (value: Editable): void => {
    setText(value.text);
    setHash(value.hash);
    setNewer(null);
  };

  return (
    <Dialog title={editable.field === null ? 'Edit the value' : 'Edit the field'} kind="wide" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (blocked === '' && !busy) save(hash);
        }}
      >
        <Target detail={detail} field={editable.field} />
        <ValueField text={text} onType={setText} />
        {problem && <Failure problem={problem} action="Editing" />}
        {newer && <Newer value={newer} onTake={() => takeNewer(newer)} onOverwrite={() => save(newer.hash)} />}
        <p class="hint">TTL and tags are kept. The change is recorded, and can be undone for 15 minutes.</p>
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <Action kind="primary" submit needs="admin" busy={busy} blocked={blocked}>
            Save
          </Action>
        </div>
      </form>
    </Dialog>
  );
}

/** The reason that a text cannot be saved; '' when it can. */
export function editProblem({ text: before, isJson }: Pick<Editable, 'text' | 'isJson'>, text: string): string {
  if (text === before) return 'Nothing is changed yet.';
  return isJson && parseJsonText(text) === null ? 'This is not JSON, as the value was.' : '';
}

function Target({ detail, field }: { detail: KeyDetail; field: string | null }) {
  return (
    <p class="mono wrap">
      <Name text={detail.key} escaped={detail.keyBase64 !== undefined} whole />
      {field !== null && (
        <>
          <span class="muted"> field </span>
          <Name text={field} empty="(empty)" whole />
        </>
      )}
    </p>
  );
}

const MAX_ROWS = 20;

function ValueField({ text, onType }: { text: string; onType: (text: string) => void }) {
  const id = useId();

  return (
    <div class="field">
      <label for={id}>Value, as it is stored</label>
      <textarea
        id={id}
        class="mono wide"
        rows={Math.min(MAX_ROWS, Math.max(6, text.split('\n').length))}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </div>
  );
}

interface NewerProps {
  value: Editable;
  onTake: () => void;
  onOverwrite: () => void;
}

function Newer({ value, onTake, onOverwrite }: NewerProps) {
  return (
    <section aria-label="The newer value">
      <h3>The newer value</h3>
      <pre class="content mono text newer" tabIndex={0}>
        {value.text === '' ? '(empty)' : value.text}
      </pre>
      <p class="row">
        <button type="button" class="button small" onClick={onTake}>
          Edit the newer value
        </button>
        <button type="button" class="button small" onClick={onOverwrite}>
          Replace it with mine
        </button>
      </p>
    </section>
  );
}
