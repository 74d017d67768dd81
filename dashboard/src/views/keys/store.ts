// The state of the key browser, kept while other views are open.
import { computed, signal } from '@preact/signals';
import { onSignOut } from '../../api/session';
import { idOf, refOf } from '../../lib/key-name';
import { isSameFilter, type KeyFilter } from './filter';
import { type SortOrder, sortRows, UNSORTED } from './sorting';
import { treeOf, type TreeOrder, visibleBranches } from './tree';
import { type Row, Walk } from './walk';

export const walk = signal<Walk | null>(null);
export const order = signal<SortOrder>(UNSORTED);
export const asTree = signal(false);
/** The rows chosen for an action on several keys, by the ids of their names. */
export const chosen = signal<ReadonlyMap<string, Row>>(new Map());
export const treeOrder = signal<TreeOrder>('name');
/** Many folders of ids are shown as one. */
export const groupsIds = signal(true);
const openFolders = signal<ReadonlySet<string>>(new Set());

/** The version of the loaded rows, whose array stays the same: whatever shows rows depends on it. */
export const rowsVersion = computed(() => walk.value?.version.value ?? 0);

/** The loaded rows in the chosen order. */
export const rows = computed(() => {
  void rowsVersion.value;
  return sortRows(walk.value?.rows ?? [], order.value);
});

const tree = computed(() => {
  void rowsVersion.value;
  return treeOf(walk.value?.rows ?? [], groupsIds.value);
});
export const branches = computed(() =>
  asTree.value ? visibleBranches(tree.value, openFolders.value, treeOrder.value) : [],
);
/** The memory of all loaded keys. */
export const treeBytes = computed(() => tree.value.bytes);

/** Starts a walk. The same search again continues the current one, unless `restart` is set. */
export function search(filter: KeyFilter, restart = false): void {
  const current = walk.peek();
  if (!restart && current !== null && isSameFilter(current.filter, filter)) return;

  current?.stop();
  chosen.value = new Map();
  const next = new Walk(filter);
  walk.value = next;
  void next.loadMore();
}

/** Chooses a row, or no longer chooses it. */
export function toggleChosen(row: Row): void {
  const next = new Map(chosen.peek());
  const id = idOf(refOf(row));
  if (!next.delete(id)) next.set(id, row);
  chosen.value = next;
}

/** Chooses all loaded rows, or none. */
export function chooseAll(all: boolean): void {
  chosen.value = new Map(all ? rows.peek().map((row) => [idOf(refOf(row)), row]) : []);
}

export function toggleFolder(prefix: string, open: boolean): void {
  const folders = new Set(openFolders.peek());
  if (open) folders.add(prefix);
  else folders.delete(prefix);
  openFolders.value = folders;
}

onSignOut(() => {
  walk.peek()?.stop();
  walk.value = null;
  chosen.value = new Map();
});
