// The loaded keys as a tree of namespaces. Right opens a folder, Left closes it, Enter opens a key.
import { useEffect, useRef, useState } from 'preact/hooks';
import { idOf, type KeyRef, refOf } from '../../lib/key-name';
import { Check } from '../../ui/check';
import { scrollClass, useRowFocus, useVirtual } from '../../ui/use-virtual';
import { FolderCells, KeyCells } from './branch-cells';
import { rowAfterKey } from './keyboard';
import { branches, groupsIds, toggleFolder, treeOrder } from './store';
import type { Branch, TreeOrder } from './tree';
import type { Walk } from './walk';

const ROW_PX = 30;
const BASE_INDENT_PX = 8;
const INDENT_PX = 18;
/** Keys loaded without a request by the user: the tree of a single page shows little. */
const MIN_KEYS = 1000;

interface Props {
  walk: Walk;
  selected: string | null;
  onOpen: (ref: KeyRef) => void;
}

export function Tree({ walk, selected, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const shown = branches.value;
  const current = Math.min(active, shown.length - 1);
  const virtual = useVirtual(shown.length, ROW_PX, scroller);
  const items = virtual.getVirtualItems();
  const focusRow = useRowFocus(scroller, current, items);
  useMinimumOfKeys(walk);

  const moveTo = (index: number): void => {
    setActive(index);
    virtual.scrollToIndex(index);
    focusRow();
  };
  const onKeyDown = (event: KeyboardEvent): void => pressKey(event, shown, current, onOpen, moveTo);

  const shared = { active: current, selected, onOpen, onActivate: setActive };
  return (
    <div class={`table${scrollClass(virtual)}`}>
      <Head />
      <div class="scroller" ref={scroller} role="tree" aria-label="Keys by namespace" onKeyDown={onKeyDown}>
        <div class="sizer" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const branch = shown[index];
            return (
              branch && <BranchLine key={branchId(branch)} branch={branch} index={index} top={start} {...shared} />
            );
          })}
        </div>
      </div>
    </div>
  );
}

const ORDERS: readonly (readonly [order: TreeOrder, label: string])[] = [
  ['name', 'Name'],
  ['keys', 'Keys'],
  ['size', 'Size'],
];

/** Sorts the tree. Its columns are those of the folders. */
function Head() {
  return (
    <div class="line head tree" role="group" aria-label="Order of the tree">
      {ORDERS.map(([order, label]) => (
        <span key={order} class={`cell ${order === 'name' ? 'key' : 'num'}${order === 'size' ? ' wide-size' : ''}`}>
          <button type="button" aria-pressed={treeOrder.value === order} onClick={() => (treeOrder.value = order)}>
            {label}
            <span aria-hidden="true">{treeOrder.value === order ? (order === 'name' ? ' ↑' : ' ↓') : ''}</span>
          </button>
          {order === 'name' && (
            <Check checked={groupsIds.value} onChange={(grouped) => (groupsIds.value = grouped)}>
              ids as <code>{'{id}'}</code>
            </Check>
          )}
        </span>
      ))}
    </div>
  );
}

function useMinimumOfKeys(walk: Walk): void {
  const state = walk.state.value;

  useEffect(() => {
    if (state === 'idle' && walk.rows.length < MIN_KEYS) void walk.loadMore();
  }, [walk, state, walk.version.value]);
}

function branchId(branch: Branch): string {
  return branch.kind === 'folder' ? branch.folder.id : `key ${idOf(refOf(branch.row))}`;
}

/** Opens or closes a folder, or opens a key in detail. */
function activate(branch: Branch, onOpen: (ref: KeyRef) => void): void {
  if (branch.kind === 'folder') toggleFolder(branch.folder.id, !branch.open);
  else onOpen(refOf(branch.row));
}

function pressKey(
  event: KeyboardEvent,
  shown: readonly Branch[],
  current: number,
  onOpen: (ref: KeyRef) => void,
  moveTo: (index: number) => void,
): void {
  const branch = shown[current];
  if (branch === undefined || event.target instanceof HTMLAnchorElement) return;

  if (event.key === 'Enter' || event.key === ' ') {
    activate(branch, onOpen);
    event.preventDefault();
    return;
  }

  const sideways = rowSideways(event.key, shown, current);
  const target = sideways ?? rowAfterKey(event.key, current, shown.length);
  if (target === null) return;
  event.preventDefault();

  if (sideways === current && branch.kind === 'folder') toggleFolder(branch.folder.id, event.key === 'ArrowRight');
  moveTo(target);
}

/**
 * The row that Right or Left leads to. Right enters an open folder, and Left leaves for the folder above. The row itself
 * is returned for a folder that Right opens or Left closes, and null for other keys.
 */
function rowSideways(key: string, shown: readonly Branch[], from: number): number | null {
  const branch = shown[from];
  if (branch === undefined) return null;
  const isOpenFolder = branch.kind === 'folder' && branch.open;

  if (key === 'ArrowRight') return isOpenFolder ? Math.min(from + 1, shown.length - 1) : from;
  if (key !== 'ArrowLeft') return null;
  if (isOpenFolder) return from;

  const above = shown.findLastIndex((other, index) => index < from && other.depth < branch.depth);
  return above < 0 ? null : above;
}

interface LineProps {
  branch: Branch;
  index: number;
  top: number;
  /** The index of the row that Tab reaches. */
  active: number;
  selected: string | null;
  onOpen: (ref: KeyRef) => void;
  onActivate: (index: number) => void;
}

function BranchLine({ branch, index, top, active, selected, onOpen, onActivate }: LineProps) {
  const isSelected = branch.kind === 'key' && idOf(refOf(branch.row)) === selected;

  return (
    <div
      role="treeitem"
      class={`line tree ${branch.kind}${isSelected ? ' selected' : ''}`}
      aria-level={branch.depth + 1}
      aria-expanded={branch.kind === 'folder' ? branch.open : undefined}
      aria-selected={isSelected}
      data-index={index}
      tabIndex={index === active ? 0 : -1}
      style={{
        transform: `translateY(${top}px)`,
        paddingLeft: `${BASE_INDENT_PX + branch.depth * INDENT_PX}px`,
      }}
      onClick={() => activate(branch, onOpen)}
      onFocus={() => onActivate(index)}
    >
      {branch.kind === 'folder' ? <FolderCells branch={branch} /> : <KeyCells branch={branch} />}
    </div>
  );
}
