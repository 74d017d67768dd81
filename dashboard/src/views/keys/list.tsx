// The loaded keys as a table of any length. Arrow keys, Page Up and Down, Home and End move; Enter opens.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useRowFocus, useVirtual } from '../../ui/virtual';
import { bytes, ttl } from '../../lib/format';
import { now } from '../../state/live';
import { COLUMNS, left, nextOrder } from './order';
import { order, rows, rowsVersion } from './store';
import type { Row, Walk } from './walk';
import { step } from './step';

const ROW_PX = 30;
/** How near to the end of what is loaded more is fetched, in rows. */
const AHEAD = 40;

interface Props {
  walk: Walk;
  selected: string | null;
  onOpen: (path: string) => void;
}

export function List({ walk, selected, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const shown = rows.value;
  const count = rowsVersion.value >= 0 ? shown.length : 0;
  const virtual = useVirtual(count, ROW_PX, scroller);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const focusRow = useRowFocus(scroller, active, items);

  const state = walk.state.value;
  useEffect(() => {
    if (last >= count - AHEAD && state === 'idle') void walk.more();
  }, [last, count, state, walk]);
  useEffect(() => {
    setActive(0);
    scroller.current?.scrollTo({ top: 0 });
  }, [walk, order.value]);

  const onKey = (event: KeyboardEvent): void => {
    const to = step(event.key, active, count);
    if (to === null) return;
    event.preventDefault();
    setActive(to);
    virtual.scrollToIndex(to);
    focusRow();
  };
  return (
    <div class="table" role="grid" aria-label="Keys" aria-rowcount={state === 'ended' ? count + 1 : -1}>
      <Head />
      <div class="scroller" ref={scroller} role="rowgroup" onKeyDown={onKey}>
        <div class="sizer" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const row = shown[index];
            return (
              row && (
                <KeyLine
                  key={row.path}
                  row={row}
                  index={index}
                  top={start}
                  isActive={index === Math.min(active, count - 1)}
                  isSelected={row.path === selected}
                  onOpen={() => onOpen(row.path)}
                  onFocus={() => setActive(index)}
                />
              )
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Head() {
  const { by, down } = order.value;
  return (
    <div role="rowgroup">
      <div role="row" class="line head" aria-rowindex={1}>
        {COLUMNS.map(({ name, label }) => (
          <span
            key={name}
            role="columnheader"
            class={`cell ${name}`}
            aria-sort={by !== name ? 'none' : down ? 'descending' : 'ascending'}
          >
            <button type="button" onClick={() => (order.value = nextOrder(order.peek(), name))}>
              {label}
              <span aria-hidden="true">{by === name ? (down ? ' ↓' : ' ↑') : ''}</span>
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
  isActive: boolean;
  isSelected: boolean;
  onOpen: () => void;
  onFocus: () => void;
}

function KeyLine({ row, index, top, isActive, isSelected, onOpen, onFocus }: LineProps) {
  const remaining = left(row.ttl, row.seenAt, now.value);
  return (
    <div
      role="row"
      class={`line${isSelected ? ' selected' : ''}${remaining === 0 ? ' expired' : ''}`}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      data-index={index}
      tabIndex={isActive ? 0 : -1}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onOpen}
      onFocus={onFocus}
      onKeyDown={(event) => {
        if (event.key === 'Enter') onOpen();
      }}
    >
      <span role="gridcell" class="cell key mono" title={row.key}>
        {row.key === '' ? <em>(empty name)</em> : row.key}
      </span>
      <span role="gridcell" class="cell type">
        <span class={`kind ${row.type}`}>{row.type}</span>
      </span>
      <span role="gridcell" class="cell ttl num">
        {remaining === 0 ? 'expired' : ttl(remaining)}
      </span>
      <span role="gridcell" class="cell size num">
        {bytes(row.sizeBytes)}
      </span>
    </div>
  );
}
