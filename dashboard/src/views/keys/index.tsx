// The key browser: search, list or tree, and one key in detail beside it.
import { useEffect, useId, useLayoutEffect, useState } from 'preact/hooks';
import { number, plural } from '../../lib/format';
import { Empty, Loading, Trouble } from '../../ui/notes';
import { go, route } from '../../state/route';
import { keyPath, searchPattern } from '../../lib/pattern';
import { Detail } from './detail';
import { List } from './list';
import { COLUMNS } from './order';
import { asTree, order, rowsVersion, search, walk } from './store';
import { Tree } from './tree-view';
import type { Walk } from './walk';

const TYPES = ['string', 'hash', 'list', 'set', 'zset', 'stream'];

export function Keys() {
  const { query } = route.value;
  const pattern = query.get('pattern') ?? '';
  const type = query.get('type') ?? '';
  const path = query.get('path') ?? (query.has('key') ? keyPath(query.get('key') ?? '') : null);
  useEffect(() => search(pattern, type), [pattern, type]);
  useEffect(() => applySort(query.get('sort')), [query.get('sort')]);
  const keep = { ...(pattern && { pattern }), ...(type && { type }) };
  const open = (next: string): void => go('keys', { ...keep, path: next });
  const close = (): void => go('keys', keep);
  return (
    <div class={`keys${path === null ? '' : ' with-detail'}`}>
      <div class="browser">
        <div class="view-head">
          <h1>Keys</h1>
        </div>
        <SearchForm pattern={pattern} type={type} />
        {walk.value && <Found walk={walk.value} selected={path} onOpen={open} />}
      </div>
      {path !== null && <Detail key={path} path={path} onClose={close} />}
    </div>
  );
}

function applySort(asked: string | null): void {
  const column = COLUMNS.find(({ name }) => name === asked)?.name;
  if (column !== undefined) order.value = { by: column, down: column === 'size' };
}

function SearchForm({ pattern, type }: { pattern: string; type: string }) {
  const [typed, setTyped] = useState(pattern);
  const id = useId();
  useLayoutEffect(() => setTyped(pattern), [pattern]);
  const ask = (text: string, kind: string): void => {
    const query = { ...(text.trim() && { pattern: text.trim() }), ...(kind && { type: kind }) };
    go('keys', query);
    search(text, kind, true);
  };
  const meaning = searchPattern(typed);
  const submit = (event: Event): void => {
    event.preventDefault();
    ask(typed, type);
  };
  return (
    <form class="search" role="search" onSubmit={submit}>
      <label class="hidden" for={id}>
        Pattern or part of a name
      </label>
      <input
        id={id}
        class="mono grow"
        type="search"
        placeholder="users:* or any part of a name"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        aria-describedby={`${id}-meaning`}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      <label class="hidden" for={`${id}-type`}>
        Type
      </label>
      <select id={`${id}-type`} value={type} onChange={(event) => ask(typed, event.currentTarget.value)}>
        <option value="">any type</option>
        {TYPES.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <button type="submit" class="button primary">
        Search
      </button>
      <fieldset class="toggle">
        <legend class="hidden">Show as</legend>
        <button type="button" aria-pressed={!asTree.value} onClick={() => (asTree.value = false)}>
          List
        </button>
        <button type="button" aria-pressed={asTree.value} onClick={() => (asTree.value = true)}>
          Tree
        </button>
      </fieldset>
      <span class={meaning === typed.trim() || typed.trim() === '' ? 'hidden' : 'hint'} id={`${id}-meaning`}>
        Searches for <code>{meaning}</code>
      </span>
    </form>
  );
}

function Found({ walk, selected, onOpen }: { walk: Walk; selected: string | null; onOpen: (path: string) => void }) {
  const count = rowsVersion.value >= 0 ? walk.rows.length : 0;
  const state = walk.state.value;
  return (
    <>
      {(count > 0 || state !== 'failed') && <Progress walk={walk} count={count} />}
      {walk.problem.value && (
        <Trouble problem={walk.problem.value} what="Listing keys" retry={() => void walk.more()} />
      )}
      {count === 0 && state === 'loading' && <Loading what="keys" />}
      {count === 0 && state === 'ended' && (
        <Empty>
          {walk.pattern === '*' && walk.type === ''
            ? 'The cache is empty. Services fill it as they are used, or warm it up.'
            : `No key matches ${walk.pattern}${walk.type ? ` with the type ${walk.type}` : ''}.`}
        </Empty>
      )}
      {count > 0 &&
        (asTree.value ? (
          <Tree walk={walk} selected={selected} onOpen={onOpen} />
        ) : (
          <List walk={walk} selected={selected} onOpen={onOpen} />
        ))}
    </>
  );
}

function Progress({ walk, count }: { walk: Walk; count: number }) {
  const state = walk.state.value;
  const total = walk.total.value;
  const isAll = walk.all.value;
  return (
    <p class="progress-line">
      <span class="num" role="status">
        {state === 'ended' ? `All ${plural(count, 'key')}` : `${number(count)} loaded`}
        {state !== 'ended' && total !== null && ` of ${number(total)}`}
        {state !== 'ended' && total === null && ', there may be more'}
      </span>
      {state !== 'ended' && (
        <button
          type="button"
          class="button quiet small"
          onClick={() => (isAll ? walk.pause() : void walk.everything())}
        >
          {isAll ? 'Pause' : 'Load all'}
        </button>
      )}
      {order.value.by !== null && state !== 'ended' && !asTree.value && (
        <span class="muted">Sorted among what is loaded.</span>
      )}
      {asTree.value && state !== 'ended' && <span class="muted">Folders count what is loaded.</span>}
    </p>
  );
}
