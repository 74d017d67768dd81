// Patterns and tags to choose from: prefixes of the last analysis, of the TTL table and of the listed keys; and tags in use.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { onSignOut } from '../../api/session';
import type { KeyPage } from '../../api/types';
import { isId } from '../../lib/ids';
import { escapeGlob } from '../../lib/pattern';
import { patternOf } from '../memory/groups';

const TAG_PREFIX = 'cache:tags:';
const MAX_SHOWN = 6;

const patterns = signal<readonly string[]>([]);
const tags = signal<readonly string[]>([]);
let isLoaded = false;
onSignOut(() => {
  isLoaded = false;
  patterns.value = [];
  tags.value = [];
});

/** Reads what can be suggested, once. Whatever cannot be read is not suggested. */
export async function loadSuggestions(): Promise<void> {
  if (isLoaded) return;
  isLoaded = true;

  const [analysis, table, page, tagPage] = await Promise.all([
    api.getAnalysis().catch(() => null),
    api.getTtlTable().catch(() => []),
    api.listKeys({ pattern: '*', limit: 100 }).catch(() => null),
    api.listKeys({ pattern: `${TAG_PREFIX}*`, limit: 100 }).catch(() => null),
  ]);
  const analysed = (analysis?.groups ?? []).map(patternOf).filter((pattern) => pattern !== null);
  const configured = table.filter(({ prefix }) => prefix !== '*').map(({ prefix }) => `${escapeGlob(prefix)}:*`);

  patterns.value = unique([...analysed, ...modulePatterns(textsOf(page)), ...configured]);
  tags.value = unique(textsOf(tagPage).map((key) => key.slice(TAG_PREFIX.length)));
}

/** The names on a page that are UTF-8: a pattern is a text. */
function textsOf(page: KeyPage | null): string[] {
  return (page?.keys ?? []).filter(({ keyBase64 }) => keyBase64 === undefined).map(({ key }) => key);
}

/** The patterns of the first parts of names, without those of ids and of edge-cache itself. */
export function modulePatterns(names: readonly string[]): string[] {
  const first = names.filter((name) => name.includes(':')).map((name) => name.slice(0, name.indexOf(':')));
  return unique(first.filter((part) => part !== '' && !isId(part) && !['cache', 'lock'].includes(part))).map(
    (part) => `${escapeGlob(part)}:*`,
  );
}

/** The suggestions that continue a text, or contain it; those that begin with it first. */
export function suggestionsFor(kind: 'pattern' | 'tags', text: string): string[] {
  return matching(kind === 'pattern' ? patterns.value : tags.value, text);
}

export function matching(known: readonly string[], text: string): string[] {
  const typed = text.toLowerCase().replace(/\*$/, '');
  const found = known.filter((name) => name !== text && name.toLowerCase().includes(typed));
  const isFirst = (name: string): boolean => name.toLowerCase().startsWith(typed);
  return [...found.filter(isFirst), ...found.filter((name) => !isFirst(name))].slice(0, MAX_SHOWN);
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
