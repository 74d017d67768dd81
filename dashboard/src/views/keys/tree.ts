// The loaded keys as a tree: each part of a name before a colon is a folder. Many folders of ids are one, `{id}`.
import { ID_PLACEHOLDER, isId } from '../../lib/ids';
import { type NamePart, partsOf } from '../../lib/key-name';
import { escapeGlob } from '../../lib/pattern';
import type { Row } from './walk';

export interface Folder {
  name: string;
  /** The name is not UTF-8 and shown escaped. */
  isBytes: boolean;
  /** The folder stands for several ids. */
  isPlaceholder: boolean;
  /** Identifies the folder. */
  id: string;
  /** The pattern of the beginning of all names in the folder, with the last colon; null when it is not UTF-8. */
  pattern: string | null;
  keys: number;
  bytes: number;
  folders: Map<string, Folder>;
  rows: Row[];
}

export type Branch =
  | { kind: 'folder'; depth: number; folder: Folder; open: boolean }
  | { kind: 'key'; depth: number; row: Row; name: string };

export type TreeOrder = 'name' | 'keys' | 'size';

/** A folder with more ids than this shows them as one folder. */
const MAX_IDS = 12;

function emptyFolder({ text, isBytes }: NamePart, id: string, pattern: string | null): Folder {
  return { name: text, isBytes, isPlaceholder: false, id, pattern, keys: 0, bytes: 0, folders: new Map(), rows: [] };
}

/** Differs between a text and bytes whose escaped form is the same text. */
const partId = ({ text, isBytes }: NamePart): string => (isBytes ? `\0${text}` : text);

/** `groupIds`: many folders of ids are one. */
export function treeOf(rows: readonly Row[], groupIds = true): Folder {
  const root = emptyFolder({ text: '', isBytes: false }, '', '');
  for (const row of rows) insert(root, row);
  if (groupIds) groupFolders(root);
  return root;
}

function insert(root: Folder, row: Row): void {
  let folder = root;
  addToCounts(folder, row);

  for (const part of partsOf(row).slice(0, -1)) {
    folder = childFolder(folder, part);
    addToCounts(folder, row);
  }
  folder.rows.push(row);
}

function childFolder(parent: Folder, part: NamePart): Folder {
  const id = partId(part);
  const existing = parent.folders.get(id);
  if (existing !== undefined) return existing;

  const pattern = part.isBytes || parent.pattern === null ? null : `${parent.pattern}${escapeGlob(part.text)}:`;
  const child = emptyFolder(part, `${parent.id}${id}:`, pattern);
  parent.folders.set(id, child);
  return child;
}

function addToCounts(folder: Folder, row: Row): void {
  folder.keys += 1;
  folder.bytes += row.sizeBytes ?? 0;
}

/** Replaces the folders of ids, when there are many, by one that has the content of all. */
function groupFolders(parent: Folder): void {
  const ids = [...parent.folders].filter(([, { name, isBytes }]) => !isBytes && isId(name));

  if (ids.length > MAX_IDS) {
    const pattern = parent.pattern === null ? null : `${parent.pattern}*:`;
    // No part of a name has this id, because a null byte begins those of bytes only.
    const merged = emptyFolder({ text: ID_PLACEHOLDER, isBytes: false }, `${parent.id}\0\0:`, pattern);
    merged.isPlaceholder = true;
    for (const [id, folder] of ids) {
      parent.folders.delete(id);
      merge(merged, folder);
    }
    parent.folders.set('\0\0', merged);
  }
  for (const folder of parent.folders.values()) groupFolders(folder);
}

/** Adds the content of a folder to another one. */
function merge(target: Folder, source: Folder): void {
  target.keys += source.keys;
  target.bytes += source.bytes;
  for (const row of source.rows) target.rows.push(row);

  for (const [id, folder] of source.folders) {
    const existing = target.folders.get(id);
    if (existing !== undefined) {
      merge(existing, folder);
      continue;
    }
    const { name: text, isBytes } = folder;
    const pattern = isBytes || target.pattern === null ? null : `${target.pattern}${escapeGlob(text)}:`;
    const created = emptyFolder({ text, isBytes }, `${target.id}${id}:`, pattern);
    merge(created, folder);
    target.folders.set(id, created);
  }
}

/** The branches that are visible when the folders with these ids are open: folders first, then keys, in this order. */
export function visibleBranches(root: Folder, openIds: ReadonlySet<string>, order: TreeOrder = 'name'): Branch[] {
  const branches: Branch[] = [];

  const visit = (parent: Folder, depth: number, hasPlaceholder: boolean): void => {
    for (const folder of sortFolders([...parent.folders.values()], order)) {
      const open = openIds.has(folder.id);
      branches.push({ kind: 'folder', depth, folder, open });
      if (open) visit(folder, depth + 1, hasPlaceholder || folder.isPlaceholder);
    }
    for (const row of sortKeys(parent.rows, order)) {
      // Below a placeholder the last part alone would not tell which id the key belongs to.
      const name = hasPlaceholder ? row.key : (partsOf(row).at(-1)?.text ?? '');
      branches.push({ kind: 'key', depth, row, name });
    }
  };

  visit(root, 0, false);
  return branches;
}

/** Compares numbers in names by value: 9 comes before 10. */
const collator = new Intl.Collator('en', { numeric: true });

function sortFolders(folders: Folder[], order: TreeOrder): Folder[] {
  const byName = (one: Folder, other: Folder): number => collator.compare(one.name, other.name);
  if (order === 'name') return folders.sort(byName);

  const figure = ({ keys, bytes }: Folder): number => (order === 'keys' ? keys : bytes);
  return folders.sort((one, other) => figure(other) - figure(one) || byName(one, other));
}

function sortKeys(rows: readonly Row[], order: TreeOrder): Row[] {
  const byName = (one: Row, other: Row): number => collator.compare(one.key, other.key);
  if (order !== 'size') return [...rows].sort(byName);
  return [...rows].sort((one, other) => (other.sizeBytes ?? -1) - (one.sizeBytes ?? -1) || byName(one, other));
}
