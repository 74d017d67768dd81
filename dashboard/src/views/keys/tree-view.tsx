// The loaded keys as a tree of namespaces. Right opens a folder, Left closes it, Enter opens a key.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useRowFocus, useVirtual } from '../../ui/virtual';
import { bytes, number, ttl } from '../../lib/format';
import { escapeGlob } from '../../lib/pattern';
import { now } from '../../state/live';
import { href } from '../../state/route';
import { left } from './order';
import { branches, toggleFolder } from './store';
import { step } from './step';
import type { Branch } from './tree';
import type { Walk } from './walk';

const ROW_PX = 30;

interface Props {
  walk: Walk;
  selected: string | null;
  onOpen: (path: string) => void;
}

export function Tree({ walk, selected, onOpen }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const shown = branches.value;
  const virtual = useVirtual(shown.length, ROW_PX, scroller);
  const items = virtual.getVirtualItems();
  const current = Math.min(active, shown.length - 1);
  const focusRow = useRowFocus(scroller, current, items);

  const state = walk.state.value;
  useEffect(() => {
    // A tree of one page says little: it fetches on while it is short, the rest on demand.
    if (state === 'idle' && walk.rows.length < 1000) void walk.more();
  }, [walk, state, walk.version.value]);

  const act = (branch: Branch): void => {
    if (branch.kind === 'folder') toggleFolder(branch.folder.prefix, !branch.open);
    else onOpen(branch.row.path);
  };
  const onKey = (event: KeyboardEvent): void => {
    const branch = shown[current];
    if (branch === undefined || event.target instanceof HTMLAnchorElement) return;
    const to = sideways(event.key, shown, current) ?? step(event.key, current, shown.length);
    if (event.key === 'Enter' || event.key === ' ') act(branch);
    else if (to === null) return;
    else if (to === current && branch.kind === 'folder') toggleFolder(branch.folder.prefix, event.key === 'ArrowRight');
    event.preventDefault();
    if (to !== null) {
      setActive(to);
      virtual.scrollToIndex(to);
      focusRow();
    }
  };
  return (
    <div class="table">
      <div class="scroller" ref={scroller} role="tree" aria-label="Keys by namespace" onKeyDown={onKey}>
        <div class="sizer" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(({ index, start }) => {
            const branch = shown[index];
            return (
              branch && (
                <BranchLine
                  key={branch.kind === 'folder' ? branch.folder.prefix : `key ${branch.row.path}`}
                  branch={branch}
                  index={index}
                  top={start}
                  isActive={index === current}
                  isSelected={branch.kind === 'key' && branch.row.path === selected}
                  onAct={() => act(branch)}
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

/** Right: into an open folder, or itself to be opened. Left: itself to be closed, else the folder around. */
function sideways(key: string, shown: readonly Branch[], from: number): number | null {
  const branch = shown[from];
  if (branch === undefined) return null;
  if (key === 'ArrowRight')
    return branch.kind === 'folder' && branch.open ? Math.min(from + 1, shown.length - 1) : from;
  if (key !== 'ArrowLeft') return null;
  if (branch.kind === 'folder' && branch.open) return from;
  const above = shown.findLastIndex((other, index) => index < from && other.depth < branch.depth);
  return above < 0 ? null : above;
}

interface LineProps {
  branch: Branch;
  index: number;
  top: number;
  isActive: boolean;
  isSelected: boolean;
  onAct: () => void;
  onFocus: () => void;
}

function BranchLine({ branch, index, top, isActive, isSelected, onAct, onFocus }: LineProps) {
  return (
    <div
      role="treeitem"
      class={`line tree ${branch.kind}${isSelected ? ' selected' : ''}`}
      aria-level={branch.depth + 1}
      aria-expanded={branch.kind === 'folder' ? branch.open : undefined}
      aria-selected={isSelected}
      data-index={index}
      tabIndex={isActive ? 0 : -1}
      style={{ transform: `translateY(${top}px)`, paddingLeft: `${8 + branch.depth * 18}px` }}
      onClick={onAct}
      onFocus={onFocus}
    >
      {branch.kind === 'folder' ? <FolderCells branch={branch} /> : <KeyCells branch={branch} />}
    </div>
  );
}

function FolderCells({ branch }: { branch: Branch & { kind: 'folder' } }) {
  const { folder, open } = branch;
  const pattern = `${escapeGlob(folder.prefix)}*`;
  return (
    <>
      <span class="twist" aria-hidden="true">
        {open ? '▾' : '▸'}
      </span>
      <span class="cell key mono">
        {folder.name === '' ? '(empty)' : folder.name}
        <span class="muted">:</span>
      </span>
      <a
        class="cell clear-link"
        href={href('clear', { by: 'pattern', pattern })}
        tabIndex={-1}
        onClick={(event) => event.stopPropagation()}
      >
        clear…
      </a>
      <span class="cell num">
        {number(folder.keys)}
        <span class="hidden"> {folder.keys === 1 ? 'key' : 'keys'}</span>
      </span>
      <span class="cell size num">{bytes(folder.bytes)}</span>
    </>
  );
}

function KeyCells({ branch }: { branch: Branch & { kind: 'key' } }) {
  const { row, name } = branch;
  const remaining = left(row.ttl, row.seenAt, now.value);
  return (
    <>
      <span class="cell key mono" title={row.key}>
        {name === '' ? '(empty)' : name}
      </span>
      <span class={`kind ${row.type}`}>{row.type}</span>
      <span class="cell ttl num">{remaining === 0 ? 'expired' : ttl(remaining)}</span>
      <span class="cell size num">{bytes(row.sizeBytes)}</span>
    </>
  );
}
