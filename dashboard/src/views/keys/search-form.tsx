// The search of the key browser: a pattern or a part of a name, a type, and the choice of list or tree.
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import { hasInvisible } from '../../lib/invisible';
import { searchPattern } from '../../lib/pattern';
import { navigate } from '../../state/route';
import { Name } from '../../ui/name';
import { TextLine } from '../../ui/text-line';
import { asTree, search } from './store';

const TYPES = ['string', 'hash', 'list', 'set', 'zset', 'stream'];

export function SearchForm({ pattern, type }: { pattern: string; type: string }) {
  const [typed, setTyped] = useState(pattern);
  const id = useId();
  useLayoutEffect(() => setTyped(pattern), [pattern]);

  const start = (text: string, ofType: string): void => {
    navigate('keys', { ...(text && { pattern: text }), ...(ofType && { type: ofType }) });
    search(text, ofType, true);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    start(typed, type);
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
        onType={setTyped}
      />
      <TypeSelect type={type} onSelect={(selected) => start(typed, selected)} />
      <button type="submit" class="button primary">
        Search
      </button>
      <LayoutToggle />
      <Meaning id={`${id}-meaning`} typed={typed} />
    </form>
  );
}

function TypeSelect({ type, onSelect }: { type: string; onSelect: (type: string) => void }) {
  const id = useId();

  return (
    <>
      <label class="hidden" for={id}>
        Type
      </label>
      <select id={id} value={type} onChange={(event) => onSelect(event.currentTarget.value)}>
        <option value="">any type</option>
        {TYPES.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
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
