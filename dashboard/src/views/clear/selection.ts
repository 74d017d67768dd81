// The keys that the user selects for removal: by pattern, by name, by tag, or all.
import type { Role } from '../../api/types';
import { formatCount } from '../../lib/format';
import { lineToName } from '../../lib/name-lines';
import { beginsLiterally, isProtected, matchesEverything } from '../../lib/pattern';

export const SELECTORS = ['pattern', 'keys', 'tags', 'everything'] as const;
export type Selector = (typeof SELECTORS)[number];

/** The text is used exactly as typed. Keys and tags stand on lines of their own; a line in quotes is JSON. */
export interface Selection {
  by: Selector;
  text: string;
}

/** The names on the lines, each once and exactly as typed. */
export function namesOnLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '');
  return [...new Set(lines.map(lineToName).filter((name) => name !== null))];
}

/** The pattern, keys or tags of a selection. */
export function namesOf({ by, text }: Selection): string[] {
  if (by === 'everything') return [];
  if (by === 'pattern') return text === '' ? [] : [text];
  return namesOnLines(text);
}

export function isGlobalClear({ by, text }: Selection): boolean {
  return by === 'everything' || (by === 'pattern' && matchesEverything(text));
}

/** The role that the selection itself needs. The preview may report a higher one, for a large share of the keys. */
export function neededRole(selection: Selection): Role {
  const { by, text } = selection;
  const hasProtected = by !== 'tags' && namesOf(selection).some(isProtected);
  const hasLeadingWildcard = by === 'pattern' && text !== '' && !beginsLiterally(text);

  return isGlobalClear(selection) || hasProtected || hasLeadingWildcard ? 'admin' : 'operator';
}

/** Points out white space at either end, which is part of the names but hard to see; '' when there is none. */
export function whiteSpaceNote(selection: Selection): string {
  const count = namesOf(selection).filter((name) => name.trim() !== name).length;
  if (count === 0) return '';

  if (selection.by === 'pattern') return 'The pattern begins or ends with white space, which is part of it.';
  const names = formatCount(count, selection.by === 'keys' ? 'key' : 'tag');
  return `${names} with white space at the beginning or end, which is part of the name.`;
}

/** The reason that there is nothing to preview yet; '' when there is something. */
export function incompleteReason(selection: Selection): string {
  const { by, text } = selection;
  if (by === 'everything') return '';

  const badLine = by === 'pattern' ? -1 : text.split('\n').findIndex((line) => lineToName(line) === null);
  if (badLine >= 0) return `Line ${badLine + 1} begins with a quote but is not valid JSON.`;
  if (namesOf(selection).length > 0) return '';
  return { pattern: 'Type a pattern first.', keys: 'Type at least one key.', tags: 'Type at least one tag.' }[by];
}
