// The key browser: a search, the keys as a list or a tree, and one key in detail beside them.
import { useEffect } from 'preact/hooks';
import { idOf, type KeyRef } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { navigate, route } from '../../state/route';
import { Name } from '../../ui/name';
import { Empty, Failure, Loading } from '../../ui/notes';
import { Detail } from './detail';
import { List } from './list';
import { describeProgress } from './progress';
import { SearchForm } from './search-form';
import { COLUMNS, firstOrder } from './sorting';
import { asTree, order, rowsVersion, search, walk } from './store';
import { Tree } from './tree-view';
import type { Walk } from './walk';

export function Keys() {
  const { query } = route.value;
  const pattern = query.get('pattern') ?? '';
  const type = query.get('type') ?? '';
  const requested = keyInAddress(query);
  const selected = requested && idOf(requested);
  useEffect(() => search(pattern, type), [pattern, type]);
  useEffect(() => applySort(query.get('sort')), [query.get('sort')]);

  const searchQuery = { ...(pattern && { pattern }), ...(type && { type }) };
  const open = (ref: KeyRef): void => navigate('keys', { ...searchQuery, ...ref });
  const close = (): void => navigate('keys', searchQuery);

  return (
    <div class={`keys${requested === null ? '' : ' with-detail'}`}>
      <div class="browser">
        <div class="view-head">
          <h1>Keys</h1>
        </div>
        <SearchForm pattern={pattern} type={type} />
        {walk.value && <Found walk={walk.value} selected={selected} onOpen={open} />}
      </div>
      {requested !== null && <Detail key={selected} requested={requested} onClose={close} />}
    </div>
  );
}

/** The key that the address names; the empty name is one, too. */
function keyInAddress(query: URLSearchParams): KeyRef | null {
  const key = query.get('key');
  const keyBase64 = query.get('keyBase64');
  if (keyBase64 !== null) return { keyBase64 };
  return key === null ? null : { key };
}

function applySort(requested: string | null): void {
  const column = COLUMNS.find(({ name }) => name === requested)?.name;
  if (column !== undefined) order.value = firstOrder(column);
}

interface FoundProps {
  walk: Walk;
  selected: string | null;
  onOpen: (ref: KeyRef) => void;
}

function Found({ walk, selected, onOpen }: FoundProps) {
  void rowsVersion.value;
  const count = walk.rows.length;
  const state = walk.state.value;
  const Rows = asTree.value ? Tree : List;

  return (
    <>
      {(count > 0 || state !== 'failed') && <Progress walk={walk} count={count} />}
      {walk.problem.value && (
        <Failure problem={walk.problem.value} action="Listing keys" retry={() => void walk.loadMore()} />
      )}
      {count === 0 && state === 'loading' && <Loading what="keys" />}
      {state === 'ended' && <EmptyNote walk={walk} />}
      {count > 0 && <Rows walk={walk} selected={selected} onOpen={onOpen} />}
    </>
  );
}

/** Explains a walk that found no keys, or only those of edge-cache itself. */
function EmptyNote({ walk: { pattern, type, rows } }: { walk: Walk }) {
  const listsEverything = pattern === '*' && type === '';

  if (rows.length === 0 && listsEverything) {
    return <Empty>The cache is empty. Services fill it as they are used; a warmup can fill it now.</Empty>;
  }
  if (rows.length === 0) {
    return (
      <Empty>
        No key matches <Name text={pattern} whole />
        {type && ` with the type ${type}`}.
      </Empty>
    );
  }
  if (listsEverything && rows.every((row) => isProtected(row.key))) {
    return <Empty>The cache is empty. The keys listed here are edge-cache’s own.</Empty>;
  }
  return null;
}

function Progress({ walk, count }: { walk: Walk; count: number }) {
  const state = walk.state.value;
  const text = describeProgress({ count, total: walk.total.value, state, node: walk.node.value });
  const status = (
    <span class="num" role="status">
      {text}
    </span>
  );
  if (state === 'ended') return <p class="progress-line">{status}</p>;

  return (
    <p class="progress-line">
      {status}
      <LoadAllButton walk={walk} />
      {asTree.value && <span class="muted">Folders count loaded keys only.</span>}
      {!asTree.value && order.value.by !== null && <span class="muted">Only loaded keys are sorted.</span>}
    </p>
  );
}

function LoadAllButton({ walk }: { walk: Walk }) {
  const loadsAll = walk.loadsAll.value;

  return (
    <button type="button" class="button quiet small" onClick={() => (loadsAll ? walk.pause() : void walk.loadAll())}>
      {loadsAll ? 'Pause' : 'Load all'}
    </button>
  );
}
