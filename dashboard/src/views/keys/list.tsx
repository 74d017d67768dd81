// The loaded keys as a table of any length. The arrow keys, Page Up and Down, Home and End move;
// Enter opens a key, Space chooses it for an action on several keys.
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatBytes } from '../../lib/format';
import { idOf, type KeyRef, refOf } from '../../lib/key-name';
import { now } from '../../state/live';
import { Name } from '../../ui/name';
import { scrollClass, useRowFocus, useVirtual } from '../../ui/use-virtual';
import { rowAfterKey } from './keyboard';
import { columnsOf, formatTimeLeft, isStale, nextOrder, secondsLeft } from './sorting';
import { chooseAll, chosen, order, rows, rowsVersion, toggleChosen } from './store';
import type { Row, Walk } from './walk';

const ROW_PX = 30;
/** More keys are loaded when the last visible row is this close to the last loaded one. */
const LOAD_AHEAD_ROWS = 40;
const MAX_TITLE_CHARACTERS = 1000;

interface Props {
  walk: Walk;
  selected: string | null;
  onOpen: (ref: KeyRef) => void;
}

export function List({ walk, selected, onOpen }: Props) {
  void rowsVersion.value;
  const count = rows.value.length;
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const virtual = useVirtual(count, ROW_PX, scroller);
  const items = virtual.getVirtualItems();
  const focusRow = useRowFocus(scroller, active, items);
  useLoadAhead(walk, count, items.at(-1)?.index ?? 0);
  useStartAtTop(walk, scroller, setActive);

  const onKeyDown = (event: KeyboardEvent): void => {
    const target = rowAfterKey(event.key, active, count);
    if (target === null) return;
    event.preventDefault();
    setActive(target);
    virtual.scrollToIndex(target);
    focusRow();
  };

  const hasNodes = walk.node.value !== null;
  const shared = { active: Math.min(active, count - 1), selected, onOpen, onActivate: setActive };
  return (
    <div
      class={`table${hasNodes ? ' with-node' : ''}${scrollClass(virtual)}`}
      role="grid"
      aria-label="Keys"
      aria-multiselectable
      aria-rowcount={walk.state.value === 'ended' ? count + 1 : -1}
    >
      <Head hasNodes={hasNodes} />
      <div class="scroller" ref={scroller} role="rowgroup" onKeyDown={onKeyDown}>
        <div class="sizer" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const row = rows.value[index];
            return row && <RowLine key={idOf(refOf(row))} row={row} index={index} top={start} {...shared} />;
          })}
        </div>
      </div>
    </div>
  );
}

function useLoadAhead(walk: Walk, count: number, lastVisible: number): void {
  const state = walk.state.value;

  useEffect(() => {
    if (lastVisible >= count - LOAD_AHEAD_ROWS && state === 'idle') void walk.loadMore();
  }, [lastVisible, count, state, walk]);
}

/** Returns to the first row after a new search and when the order changes. */
function useStartAtTop(walk: Walk, scroller: RefObject<HTMLElement | null>, setActive: (index: number) => void): void {
  useEffect(() => {
    setActive(0);
    scroller.current?.scrollTo({ top: 0 });
  }, [walk, order.value]);
}

function Head({ hasNodes }: { hasNodes: boolean }) {
  const { by, descending } = order.value;
  const direction = descending ? 'descending' : 'ascending';
  const arrow = descending ? ' ↓' : ' ↑';

  return (
    <div role="rowgroup">
      <div role="row" class="line head" aria-rowindex={1}>
        <span role="columnheader" class="cell choice" aria-label="Chosen">
          <input
            type="checkbox"
            aria-label="Choose all loaded keys"
            checked={chosen.value.size > 0 && chosen.value.size === rows.value.length}
            onChange={(event) => chooseAll(event.currentTarget.checked)}
          />
        </span>
        {columnsOf(hasNodes).map(({ name, label }) => (
          <span key={name} role="columnheader" class={`cell ${name}`} aria-sort={by === name ? direction : 'none'}>
            <button type="button" onClick={() => (order.value = nextOrder(order.peek(), name))}>
              {label}
              <span aria-hidden="true">{by === name ? arrow : ''}</span>
            </button>
          </span>
        ))}
      </div>
    </div>
  );
}

interface LineProps {
  row: Row;
  index: number;
  top: number;
  /** The index of the row that Tab reaches. */
  active: number;
  selected: string | null;
  onOpen: (ref: KeyRef) => void;
  onActivate: (index: number) => void;
}

function RowLine({ row, index, top, active, selected, onOpen, onActivate }: LineProps) {
  const ref = refOf(row);
  const isSelected = idOf(ref) === selected;
  const isChosen = chosen.value.has(idOf(ref));
  const left = secondsLeft(row.ttl, row.readAt, now.value);

  return (
    <div
      role="row"
      class={`line${isSelected ? ' selected' : ''}${left === 0 ? ' expired' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={isChosen}
      aria-current={isSelected}
      data-index={index}
      tabIndex={index === active ? 0 : -1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onOpen(ref)}
      onFocus={() => onActivate(index)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onOpen(ref);
        if (event.key !== ' ') return;
        event.preventDefault();
        toggleChosen(row);
      }}
    >
      <span role="gridcell" class="cell choice" onClick={(event) => event.stopPropagation()}>
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Choose ${row.key}`}
          checked={isChosen}
          onChange={() => toggleChosen(row)}
        />
      </span>
      <Cells row={row} left={left} />
    </div>
  );
}

function Cells({ row, left }: { row: Row; left: number }) {
  return (
    <>
      <span role="gridcell" class="cell type">
        <span class={`kind ${row.type}`}>{row.type}</span>
      </span>
      <span role="gridcell" class="cell key mono" title={row.key.slice(0, MAX_TITLE_CHARACTERS)}>
        <Name text={row.key} escaped={row.keyBase64 !== undefined} />
      </span>
      {row.node !== undefined && (
        <span role="gridcell" class="cell node mono" title={row.node}>
          {row.node}
        </span>
      )}
      <span role="gridcell" class="cell ttl num">
        {left === 0 ? 'expired' : formatTimeLeft(row, left)}
        {isStale(row, now.value) && <span class="stale"> stale</span>}
      </span>
      <span role="gridcell" class="cell size num">
        {formatBytes(row.sizeBytes)}
      </span>
    </>
  );
}
