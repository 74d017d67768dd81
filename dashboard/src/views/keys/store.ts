// The state of the key browser, kept while other views are open.
import { computed, signal } from '@preact/signals';
import { onSignOut } from '../../api/session';
import { searchPattern } from '../../lib/pattern';
import { type SortOrder, sortRows, UNSORTED } from './sorting';
import { treeOf, visibleBranches } from './tree';
import { Walk } from './walk';

export const walk = signal<Walk | null>(null);
export const order = signal<SortOrder>(UNSORTED);
export const asTree = signal(false);
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
  return treeOf(walk.value?.rows ?? []);
});
export const branches = computed(() => (asTree.value ? visibleBranches(tree.value, openFolders.value) : []));

/** Starts a walk. The same search again continues the current one, unless `restart` is set. */
export function search(typed: string, type: string, restart = false): void {
  const pattern = searchPattern(typed);
  const current = walk.peek();
  if (!restart && current?.pattern === pattern && current.type === type) return;

  current?.stop();
  const next = new Walk(pattern, type);
  walk.value = next;
  void next.loadMore();
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
});
