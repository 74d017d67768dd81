// The namespace tree: what is loaded, by the parts of its names between colons.
import type { Row } from './walk';

export interface Folder {
  name: string;
  /** The start of the names below, its colon included. */
  prefix: string;
  keys: number;
  bytes: number;
  folders: Map<string, Folder>;
  rows: Row[];
}

export type Branch =
  | { kind: 'folder'; depth: number; folder: Folder; open: boolean }
  | { kind: 'key'; depth: number; row: Row; name: string };

function folderOf(name: string, prefix: string): Folder {
  return { name, prefix, keys: 0, bytes: 0, folders: new Map(), rows: [] };
}

export function treeOf(rows: readonly Row[]): Folder {
  const root = folderOf('', '');
  for (const row of rows) insert(root, row);
  return root;
}

/** Puts a key below the folders of its name. */
function insert(root: Folder, row: Row): void {
  const parts = row.key.split(':');
  let folder = root;
  count(folder, row);
  for (const part of parts.slice(0, -1)) {
    let below = folder.folders.get(part);
    if (below === undefined) {
      below = folderOf(part, `${folder.prefix}${part}:`);
      folder.folders.set(part, below);
    }
    folder = below;
    count(folder, row);
  }
  folder.rows.push(row);
}

function count(folder: Folder, row: Row): void {
  folder.keys += 1;
  folder.bytes += row.sizeBytes ?? 0;
}

/** The lines of the tree that are in sight when these folders are open: folders first, by name. */
export function visible(root: Folder, open: ReadonlySet<string>): Branch[] {
  const branches: Branch[] = [];
  const visit = (folder: Folder, depth: number): void => {
    for (const below of [...folder.folders.values()].sort((a, b) => order(a.name, b.name))) {
      const isOpen = open.has(below.prefix);
      branches.push({ kind: 'folder', depth, folder: below, open: isOpen });
      if (isOpen) visit(below, depth + 1);
    }
    const rows = [...folder.rows].sort((a, b) => order(a.key, b.key));
    for (const row of rows) branches.push({ kind: 'key', depth, row, name: row.key.slice(folder.prefix.length) });
  };
  visit(root, 0);
  return branches;
}

/** Numbers in names by their value: 9 before 10. */
const collator = new Intl.Collator('en', { numeric: true });
const order = (a: string, b: string): number => collator.compare(a, b);
