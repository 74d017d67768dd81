// Previews and carries out a removal through the API.
import * as api from '../../api/endpoints';
import type { Role, Text } from '../../api/types';
import { type NamedKey, namedKeys } from '../../lib/key-name';
import { isGlobalClear, namesOf, neededRole, type Selection } from './selection';

export interface Preview {
  selection: Selection;
  count: number;
  sample: readonly NamedKey[];
  /** Named keys that do not exist. */
  missing: readonly NamedKey[];
  /** The number of keys of each named tag. */
  tagCounts: readonly (readonly [tag: string, keys: number])[];
  /** How the keys are counted or removed, where that is out of the ordinary. */
  remarks: readonly string[];
  duration: string;
  /** The word to type as a confirmation; '' when none is needed. */
  confirmWord: string;
  /** The reason for the confirmation; '' when the selection itself shows it. */
  confirmReason: string;
  role: Role;
}

export interface Removal {
  selection: Selection;
  at: Date;
  deleted: number;
  duration: string;
  warnings: readonly string[];
}

export const SAMPLE_KEYS = 20;
/** Tags whose members are read for the sample. */
const SAMPLED_TAGS = 5;
/** For a global clear, and for a pattern that matches a large share of the keys. */
export const CONFIRM_WORDS = { everything: 'everything', largeShare: 'remove' } as const;

/** Asks which keys would be removed, without removing any. */
export function preview(selection: Selection): Promise<Preview> {
  return selection.by === 'keys' || selection.by === 'tags' ? previewInvalidate(selection) : previewClear(selection);
}

async function previewInvalidate(selection: Selection): Promise<Preview> {
  const { details, stats } = await api.invalidate({ ...invalidateRequest(selection), dryRun: true });
  const { keys, keysNotFound, keysBase64, tags } = details;
  const sample = selection.by === 'keys' ? keys.slice(0, SAMPLE_KEYS) : await sampleOfTags(namesOf(selection));

  return {
    selection,
    count: stats.keysInvalidated,
    sample: namedKeys(sample, keysBase64),
    missing: namedKeys(keysNotFound, keysBase64),
    tagCounts: Object.entries(tags),
    remarks: [],
    duration: stats.duration,
    confirmWord: '',
    confirmReason: '',
    role: neededRole(selection),
  };
}

/** Some keys of the tags, read from the tags' own sets: a preview of tags counts their keys but does not name them. */
async function sampleOfTags(tags: readonly string[]): Promise<string[]> {
  const reads = tags
    .slice(0, SAMPLED_TAGS)
    .map((tag) => api.inspectKey({ key: `cache:tags:${tag}` }, { limit: SAMPLE_KEYS }).catch(() => null));

  const members = (await Promise.all(reads)).flatMap((set) => (Array.isArray(set?.value) ? (set.value as Text[]) : []));
  return [...new Set(members.filter((member) => typeof member === 'string'))].slice(0, SAMPLE_KEYS);
}

async function previewClear(selection: Selection): Promise<Preview> {
  const body = selection.by === 'pattern' ? { pattern: selection.text, dryRun: true } : { dryRun: true };
  const { stats } = await api.clear(body);
  if (!('keysMatched' in stats)) throw new Error('the application did not answer with a preview');

  const isGlobal = isGlobalClear(selection);
  const remarks = [
    ...(stats.exact ? [] : ['The number is an estimate: there are too many keys to count in one request.']),
    ...(isGlobal && stats.method === 'walk' ? ['Keys are removed in slices, because FLUSHDB is not available.'] : []),
  ];
  const needsConfirm = !isGlobal && stats.needsConfirm;

  return {
    selection,
    count: stats.keysMatched,
    sample: namedKeys(stats.sampleKeys, stats.sampleKeysBase64),
    missing: [],
    tagCounts: [],
    remarks,
    duration: stats.duration,
    confirmWord: isGlobal ? CONFIRM_WORDS.everything : needsConfirm ? CONFIRM_WORDS.largeShare : '',
    confirmReason: needsConfirm ? shareReason(stats.matchShare, stats.matchShareExact, stats.needsRole) : '',
    role: neededRole(selection) === 'admin' ? 'admin' : stats.needsRole,
  };
}

function shareReason(share: number, isExact: boolean, role: Role): string {
  const percent = `${isExact ? '' : 'about '}${Math.round(share * 100)} %`;
  const restriction = role === 'admin' ? ', which only an admin may remove' : '';
  return `The pattern matches ${percent} of the keys${restriction}. Confirm the removal.`;
}

/** Removes the keys. `confirm`: the user typed the confirmation word. */
export async function remove(selection: Selection, confirm: boolean): Promise<Removal> {
  const started = { selection, at: new Date() };

  if (selection.by === 'keys' || selection.by === 'tags') {
    const { stats, warnings = [] } = await api.invalidate(invalidateRequest(selection));
    return { ...started, deleted: stats.keysInvalidated, duration: stats.duration, warnings };
  }

  const pattern = selection.by === 'pattern' ? { pattern: selection.text } : {};
  const { stats, warnings = [] } = await api.clear({ ...pattern, ...(confirm ? { confirm } : {}) });
  const deleted = 'keysDeleted' in stats ? stats.keysDeleted : 0;
  return { ...started, deleted, duration: stats.duration, warnings };
}

function invalidateRequest(selection: Selection): { keys: string[] } | { tags: string[] } {
  const names = namesOf(selection);
  return selection.by === 'keys' ? { keys: names } : { tags: names };
}
