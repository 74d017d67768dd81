// The search of the key browser: a pattern or a part of a name, conditions, and the choice of list or tree.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import { hasInvisible } from '../../lib/invisible';
import { searchPattern } from '../../lib/pattern';
import { navigate } from '../../state/route';
import { Check } from '../../ui/check';
import { Name } from '../../ui/name';
import { TextLine } from '../../ui/text-line';
import { addressOf, type KeyFilter, MIN_SIZES, TYPES } from './filter';
import { asTree, search } from './store';

export function SearchForm({ filter }: { filter: KeyFilter }) {
  const [typed, setTyped] = useState(filter.text);
  const id = useId();
  useLayoutEffect(() => setTyped(filter.text), [filter.text]);

  const start = (changes: Partial<KeyFilter>): void => {
    const next = { ...filter, text: typed, ...changes };
    navigate('keys', addressOf(next));
    search(next, true);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    start({});
  };

  return (
    <form class="search" role="search" onSubmit={submit}>
      <label class="hidden" for={id}>
        Pattern or part of a name
      </label>
      <TextLine
        id={id}
        class="mono grow"
        placeholder="users:* or any part of a name"
        value={typed}
        aria-describedby={`${id}-meaning`}
        data-search
        onType={setTyped}
      />
      <button type="submit" class="button primary">
        Search
      </button>
      <LayoutToggle />
      <Conditions filter={filter} onChange={start} />
      <Meaning id={`${id}-meaning`} typed={typed} />
    </form>
  );
}

interface ConditionsProps {
  filter: KeyFilter;
  onChange: (changes: Partial<KeyFilter>) => void;
}

function Conditions({ filter, onChange }: ConditionsProps) {
  const { type, minSizeBytes, withoutTtl, own } = filter;
  const sizes = MIN_SIZES.includes(minSizeBytes) || minSizeBytes === 0 ? MIN_SIZES : [minSizeBytes, ...MIN_SIZES];

  return (
    <div class="row conditions">
      <Select label="Type" value={type} onSelect={(value) => onChange({ type: value })}>
        <option value="">any type</option>
        {TYPES.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <Select label="Size" value={String(minSizeBytes)} onSelect={(value) => onChange({ minSizeBytes: Number(value) })}>
        <option value="0">any size</option>
        {sizes.map((size) => (
          <option key={size} value={size}>
            {formatBytes(size).replace('.0', '')} or more
          </option>
        ))}
      </Select>
      <Check checked={withoutTtl} onChange={(checked) => onChange({ withoutTtl: checked })}>
        Without a TTL
      </Check>
      <Check checked={own} onChange={(checked) => onChange({ own: checked })}>
        Keys of edge-cache itself
      </Check>
    </div>
  );
}

interface SelectProps {
  label: string;
  value: string;
  onSelect: (value: string) => void;
  children: ComponentChildren;
}

function Select({ label, value, onSelect, children }: SelectProps) {
  const id = useId();

  return (
    <>
      <label class="hidden" for={id}>
        {label}
      </label>
      <select id={id} value={value} onChange={(event) => onSelect(event.currentTarget.value)}>
        {children}
      </select>
    </>
  );
}

function LayoutToggle() {
  return (
    <fieldset class="toggle">
      <legend class="hidden">Show as</legend>
      <button type="button" aria-pressed={!asTree.value} onClick={() => (asTree.value = false)}>
        List
      </button>
      <button type="button" aria-pressed={asTree.value} onClick={() => (asTree.value = true)}>
        Tree
      </button>
    </fieldset>
  );
}

/** The pattern that is searched for; visible when it differs from the typed text, or that has invisible characters. */
function Meaning({ id, typed }: { id: string; typed: string }) {
  const pattern = searchPattern(typed);
  const isVisible = typed !== '' && (pattern !== typed || hasInvisible(typed));

  return (
    <span class={isVisible ? 'hint' : 'hidden'} id={id}>
      Searches for{' '}
      <code>
        <Name text={pattern} whole />
      </code>
    </span>
  );
}
