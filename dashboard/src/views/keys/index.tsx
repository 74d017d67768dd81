// The key browser: a search, the keys as a list or a tree, and one key in detail beside them.
import { useEffect } from 'preact/hooks';
import { formatCount, formatNumber } from '../../lib/format';
import { idOf, type KeyRef } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { href, navigate, route } from '../../state/route';
import { Name } from '../../ui/name';
import { Empty, Failure, Loading } from '../../ui/notes';
import { BulkActions } from './bulk-actions';
import { Detail } from './detail';
import { addressOf, describeConditions, filterInAddress } from './filter';
import { List } from './list';
import { describeProgress } from './progress';
import { SearchForm } from './search-form';
import { COLUMNS, firstOrder } from './sorting';
import { asTree, chosen, order, rowsVersion, search, walk } from './store';
import { Tree } from './tree-view';
import type { Walk } from './walk';

export function Keys() {
  const { query } = route.value;
  const filter = filterInAddress(query);
  const requested = keyInAddress(query);
  const selected = requested && idOf(requested);
  useEffect(() => search(filter), [JSON.stringify(filter)]);
  useEffect(() => applySort(query.get('sort')), [query.get('sort')]);

  const open = (ref: KeyRef): void => navigate('keys', { ...addressOf(filter), ...ref });
  const close = (): void => navigate('keys', addressOf(filter));

  return (
    <div class={`keys${requested === null ? '' : ' with-detail'}`}>
      <div class="browser">
        <div class="view-head">
          <h1>Keys</h1>
        </div>
        <SearchForm filter={filter} />
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
      {chosen.value.size > 0 && <BulkActions walk={walk} />}
      {count > 0 && <Rows walk={walk} selected={selected} onOpen={onOpen} />}
    </>
  );
}

/** Explains a walk that found no keys, or only those of edge-cache itself. */
function EmptyNote({ walk: { filter, pattern, rows, hidden } }: { walk: Walk }) {
  const conditions = describeConditions(filter);
  const listsEverything = pattern === '*' && conditions === '';

  if (rows.length === 0 && listsEverything) {
    return <Empty>The cache is empty. Services fill it as they are used; a warmup can fill it now.</Empty>;
  }
  if (rows.length === 0) {
    return (
      <Empty>
        No key{conditions} matches <Name text={pattern} whole />.
        {hidden.value > 0 && ` ${formatCount(hidden.value, 'key')} of edge-cache itself would.`}
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
  const hidden = walk.hidden.value;
  const text = describeProgress({ count, total: walk.total.value, state, node: walk.node.value, hidden });

  return (
    <p class="progress-line">
      <span class="num" role="status">
        {text}
      </span>
      {hidden > 0 && <span class="muted">{formatNumber(hidden)} of edge-cache itself hidden.</span>}
      {walk.filter.withoutTtl && count > 0 && (
        <a href={href('expiry', { ...addressOf(walk.filter), pattern: walk.pattern })}>Give these a TTL …</a>
      )}
      {state !== 'ended' && <LoadAllButton walk={walk} />}
      {state !== 'ended' && asTree.value && <span class="muted">Folders count loaded keys only (≥).</span>}
      {state !== 'ended' && !asTree.value && order.value.by !== null && (
        <span class="muted">Only loaded keys are sorted.</span>
      )}
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
