// The form of a change of expiries: which keys, which change, and how far the new expiries are spread.
import { useId } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import { Action } from '../../ui/action';
import { DurationField } from '../../ui/duration-field';
import { TextLine } from '../../ui/text-line';
import { type Selector } from '../clear/selection';
import { SuggestionRow } from '../clear/suggestion-row';
import { MIN_SIZES, TYPES } from '../keys/filter';
import { type Change, CHANGE_LABELS, CHANGES, type ExpiryForm, formProblem } from './request';

interface Props {
  form: ExpiryForm;
  onChange: (changes: Partial<ExpiryForm>) => void;
}

const SELECTORS: readonly (readonly [by: Selector, label: string, field: string, example: string])[] = [
  ['pattern', 'Pattern', 'Redis pattern', 'sessions:*'],
  ['keys', 'Keys', 'Keys, one per line', 'users:1:profile'],
  ['tags', 'Tags', 'Tags, one per line', 'user-data'],
];

export function Form({ form, onChange, busy, onSubmit }: Props & { busy: boolean; onSubmit: () => void }) {
  const blocked = formProblem(form);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked === '' && !busy) onSubmit();
  };

  return (
    <form onSubmit={submit}>
      <SelectorChoice form={form} onChange={onChange} />
      <Names form={form} onChange={onChange} />
      <Conditions form={form} onChange={onChange} />
      <ChangeFields form={form} onChange={onChange} />
      <Action kind="primary" submit needs="admin" busy={busy} blocked={blocked}>
        Preview
      </Action>
    </form>
  );
}

function SelectorChoice({ form, onChange }: Props) {
  const group = useId();

  return (
    <fieldset class="selectors">
      <legend>Keys to change</legend>
      {SELECTORS.map(([by, label]) => (
        <label key={by}>
          <input type="radio" name={group} checked={form.by === by} onChange={() => onChange({ by, text: '' })} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function Names({ form, onChange }: Props) {
  const id = useId();
  const [, , label = '', example = ''] = SELECTORS.find(([by]) => by === form.by) ?? [];
  const attributes = {
    id,
    class: 'mono wide',
    placeholder: example,
    spellcheck: false,
    autocomplete: 'off',
    value: form.text,
    'data-search': true,
  };

  return (
    <div class="field">
      <label for={id}>{label}</label>
      {form.by === 'pattern' ? (
        <TextLine {...attributes} onType={(text) => onChange({ text })} />
      ) : (
        <textarea {...attributes} rows={4} onInput={(event) => onChange({ text: event.currentTarget.value })} />
      )}
      {(form.by === 'pattern' || form.by === 'tags') && (
        <SuggestionRow kind={form.by} text={form.text} onTake={(text) => onChange({ text })} />
      )}
    </div>
  );
}

function Conditions({ form, onChange }: Props) {
  const typeId = useId();
  const sizeId = useId();

  return (
    <p class="row">
      <label for={typeId}>Only keys of</label>
      <select id={typeId} value={form.type} onChange={(event) => onChange({ type: event.currentTarget.value })}>
        <option value="">any type</option>
        {TYPES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <label for={sizeId}>and</label>
      <select
        id={sizeId}
        value={String(form.minSizeBytes)}
        onChange={(event) => onChange({ minSizeBytes: Number(event.currentTarget.value) })}
      >
        <option value="0">any size</option>
        {MIN_SIZES.map((size) => (
          <option key={size} value={size}>
            {formatBytes(size).replace('.0', '')} or more
          </option>
        ))}
      </select>
    </p>
  );
}

function ChangeFields({ form, onChange }: Props) {
  const changeId = useId();
  const jitterId = useId();
  const isPersist = form.change === 'persist';

  return (
    <div class="row change-fields">
      <label for={changeId}>Change</label>
      <select
        id={changeId}
        value={form.change}
        onChange={(event) => onChange({ change: event.currentTarget.value as Change })}
      >
        {CHANGES.map((change) => (
          <option key={change} value={change}>
            {CHANGE_LABELS[change]}
          </option>
        ))}
      </select>
      {!isPersist && (
        <>
          <DurationField label="TTL" value={form.duration} onChange={(duration) => onChange({ duration })} />
          <span class="row">
            <label for={jitterId}>spread over the last</label>
            <input
              id={jitterId}
              class="num short"
              inputMode="numeric"
              value={form.jitter}
              onInput={(event) => onChange({ jitter: event.currentTarget.value })}
            />
            <span>% of it, so that the keys do not expire together</span>
          </span>
        </>
      )}
    </div>
  );
}
