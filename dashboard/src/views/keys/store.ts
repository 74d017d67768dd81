// What the key browser shows. It stays when another view is opened and is there again on return.
import { computed, signal } from '@preact/signals';
import { searchPattern } from '../../lib/pattern';
import { whenSignedOut } from '../../state/session';
import { type Order, sorted } from './order';
import { treeOf, visible } from './tree';
import { Walk } from './walk';

export const walk = signal<Walk | null>(null);
export const order = signal<Order>({ by: null, down: false });
export const asTree = signal(false);
const openFolders = signal<ReadonlySet<string>>(new Set());

/** The loaded rows in the order asked for. */
export const rows = computed(() => {
  const current = walk.value;
  return current === null || current.version.value < 0 ? [] : sorted(current.rows, order.value);
});

/** How often `rows` changed: the array itself may be the same one. */
export const rowsVersion = computed(() => walk.value?.version.value ?? 0);

const tree = computed(() => (rowsVersion.value >= 0 ? treeOf(walk.value?.rows ?? []) : treeOf([])));
export const branches = computed(() => (asTree.value ? visible(tree.value, openFolders.value) : []));

/** Starts a walk, unless this very one is under way or done. */
export function search(typed: string, type: string, again = false): void {
  const pattern = searchPattern(typed);
  const current = walk.peek();
  if (!again && current?.pattern === pattern && current.type === type) return;
  current?.stop();
  const next = new Walk(pattern, type);
  walk.value = next;
  void next.more();
}

export function toggleFolder(prefix: string, open: boolean): void {
  const folders = new Set(openFolders.peek());
  if (open) folders.add(prefix);
  else folders.delete(prefix);
  openFolders.value = folders;
}

whenSignedOut(() => {
  walk.peek()?.stop();
  walk.value = null;
});
