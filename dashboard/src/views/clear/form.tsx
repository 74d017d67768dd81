// The form that takes the pattern, the keys or the tags to remove.
import { useId } from 'preact/hooks';
import { Action } from '../../ui/action';
import { Name } from '../../ui/name';
import { TextLine } from '../../ui/text-line';
import { incompleteReason, neededRole, type Selection, whiteSpaceNote } from './selection';
import { busy } from './store';
import { SuggestionRow } from './suggestion-row';

interface Props {
  selection: Selection;
  onText: (text: string) => void;
}

const FIELDS = {
  pattern: {
    label: 'Redis pattern',
    hint:
      '* matches any text, ? one byte (é has two), [ab] one of these characters; \\ escapes the next one. Shift+Enter ' +
      'inserts a line break. Keys below cache: and lock: are kept unless the pattern begins with that prefix.',
    example: 'users:*',
  },
  keys: {
    label: 'Keys, one per line',
    hint:
      'Up to 1,000, exactly as typed, white space included; no patterns. A line in quotes is JSON: "a\\nb" contains a ' +
      'line break.',
    example: 'users:1:profile',
  },
  tags: {
    label: 'Tags, one per line',
    hint: 'Up to 100, exactly as typed. Clears every key that was stored with one of them.',
    example: 'user-data',
  },
};

export function SelectionForm({ selection, onText, onPreview }: Props & { onPreview: () => void }) {
  const incomplete = incompleteReason(selection);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (incomplete === '') onPreview();
  };

  return (
    <form onSubmit={submit}>
      {selection.by === 'everything' ? <EverythingNote /> : <SelectionField selection={selection} onText={onText} />}
      <Action kind="primary" submit needs={neededRole(selection)} busy={busy.value === 'preview'} blocked={incomplete}>
        Preview
      </Action>
    </form>
  );
}

function EverythingNote() {
  return (
    <p>
      Every key of the cache, so services load everything again. The audit trail, jobs, the TTL table and the lock of a
      running warmup are kept. Consider a pattern first.
    </p>
  );
}

function SelectionField({ selection, onText }: Props) {
  const id = useId();
  const { by, text } = selection;
  if (by === 'everything') return null;

  const { label, hint, example } = FIELDS[by];
  const attributes = {
    id,
    class: 'mono wide',
    placeholder: example,
    spellcheck: false,
    autocomplete: 'off',
    value: text,
    'aria-describedby': `${id}-hint`,
    'data-search': true,
  };

  return (
    <div class="field">
      <label for={id}>{label}</label>
      {by === 'pattern' ? (
        <TextLine {...attributes} onType={onText} />
      ) : (
        <textarea {...attributes} rows={5} onInput={(event) => onText(event.currentTarget.value)} />
      )}
      {by !== 'keys' && <SuggestionRow kind={by} text={text} onTake={onText} />}
      <WhiteSpaceHint selection={selection} />
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

function WhiteSpaceHint({ selection }: { selection: Selection }) {
  const note = whiteSpaceNote(selection);
  if (note === '') return null;

  return (
    <p class="hint">
      {note}
      {selection.by === 'pattern' && (
        <>
          {' '}
          <code>
            <Name text={selection.text} whole />
          </code>
        </>
      )}
    </p>
  );
}
