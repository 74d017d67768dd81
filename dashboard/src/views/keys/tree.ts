// The loaded keys as a tree: each part of a name before a colon is a folder.
import { type NamePart, partsOf } from '../../lib/key-name';
import type { Row } from './walk';

export interface Folder {
  name: string;
  /** The name is not UTF-8 and shown escaped. */
  isBytes: boolean;
  /** Identifies the folder. */
  id: string;
  /** The beginning of all names in the folder, with the last colon; null when it is not UTF-8. */
  prefix: string | null;
  keys: number;
  bytes: number;
  folders: Map<string, Folder>;
  rows: Row[];
}

export type Branch =
  | { kind: 'folder'; depth: number; folder: Folder; open: boolean }
  | { kind: 'key'; depth: number; row: Row; name: string };

function emptyFolder({ text, isBytes }: NamePart, id: string, prefix: string | null): Folder {
  return { name: text, isBytes, id, prefix, keys: 0, bytes: 0, folders: new Map(), rows: [] };
}

/** Differs between a text and bytes whose escaped form is the same text. */
const partId = ({ text, isBytes }: NamePart): string => (isBytes ? `\0${text}` : text);

export function treeOf(rows: readonly Row[]): Folder {
  const root = emptyFolder({ text: '', isBytes: false }, '', '');
  for (const row of rows) insert(root, row);
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

  const prefix = part.isBytes || parent.prefix === null ? null : `${parent.prefix}${part.text}:`;
  const child = emptyFolder(part, `${parent.id}${id}:`, prefix);
  parent.folders.set(id, child);
  return child;
}

function addToCounts(folder: Folder, row: Row): void {
  folder.keys += 1;
  folder.bytes += row.sizeBytes ?? 0;
}

/** The branches that are visible when the folders with these ids are open: folders first, then keys, by name. */
export function visibleBranches(root: Folder, openIds: ReadonlySet<string>): Branch[] {
  const branches: Branch[] = [];

  const visit = (parent: Folder, depth: number): void => {
    for (const folder of sortBy([...parent.folders.values()], ({ name }) => name)) {
      const open = openIds.has(folder.id);
      branches.push({ kind: 'folder', depth, folder, open });
      if (open) visit(folder, depth + 1);
    }
    for (const row of sortBy(parent.rows, ({ key }) => key)) {
      branches.push({ kind: 'key', depth, row, name: partsOf(row).at(-1)?.text ?? '' });
    }
  };

  visit(root, 0);
  return branches;
}

/** Compares numbers in names by value: 9 comes before 10. */
const collator = new Intl.Collator('en', { numeric: true });

function sortBy<T>(items: readonly T[], name: (item: T) => string): T[] {
  return [...items].sort((one, other) => collator.compare(name(one), name(other)));
}
