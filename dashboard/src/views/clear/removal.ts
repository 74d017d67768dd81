// Previews and carries out a removal through the API.
import * as api from '../../api/endpoints';
import type { Job, KeyRow, Role, Text } from '../../api/types';
import { formatCount } from '../../lib/format';
import { type NamedKey, namedKeys } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { stats as liveStats } from '../../state/live';
import { estimateReloadMs, recentLoads } from '../reload';
import { estimateBytes, needsTypedCount, type PrefixShare, prefixesOf } from './effect';
import { isGlobalClear, namesOf, neededRole, type Selection } from './selection';

export interface Preview {
  selection: Selection;
  count: number;
  /** One request has counted the keys, so that the application can count them again before it removes them. */
  isCounted: boolean;
  sample: readonly NamedKey[];
  /** Named keys that do not exist. */
  missing: readonly NamedKey[];
  /** The number of keys of each named tag. */
  tagCounts: readonly (readonly [tag: string, keys: number])[];
  /** The share of the keyspace, 0 to 1; null when it is not known. */
  share: number | null;
  isShareExact: boolean;
  /** The estimated memory of the keys; null when it is not known. */
  bytes: number | null;
  /** The estimated time that services need to load the keys again; null when it is not known. */
  reloadMs: number | null;
  prefixes: readonly PrefixShare[];
  /** How the keys are counted or removed, where that is out of the ordinary. */
  remarks: readonly string[];
  durationMs: number;
  /** The number of keys is typed as a confirmation. */
  needsCount: boolean;
  role: Role;
  /** The keys can be marked stale; protected ones can only be deleted. */
  canBeSoft: boolean;
  /** A job can do the work. */
  canBeJob: boolean;
  /** One command of Redis deletes all keys at once, so that a job would only be slower. */
  isFlush: boolean;
}

export interface Removal {
  selection: Selection;
  at: Date;
  deleted: number;
  markedStale: number;
  durationMs: number;
  warnings: readonly string[];
}

/** One of these fields; none when no confirmation is needed. */
export interface Confirmation {
  confirmCount?: number;
  confirm?: true;
}

export interface RemovalOptions {
  confirmation: Confirmation;
  mode?: 'soft';
  softGraceSeconds?: number;
}

export const SAMPLE_KEYS = 20;
/** Keys that are read for the effect: one page of the key browser. */
const EFFECT_KEYS = 100;
/** Loads of this time are averaged. */
const LOADS_OF_HOURS = 1;
/** Tags whose members are read for the sample. */
const SAMPLED_TAGS = 5;

/** Asks which keys would be removed, without removing any. */
export function preview(selection: Selection): Promise<Preview> {
  return selection.by === 'keys' || selection.by === 'tags' ? previewInvalidate(selection) : previewClear(selection);
}

async function previewInvalidate(selection: Selection): Promise<Preview> {
  const [{ details, stats }, loads] = await Promise.all([
    api.invalidate({ ...invalidateRequest(selection), dryRun: true }),
    recentLoads(LOADS_OF_HOURS),
  ]);
  const { keys, keysNotFound, keysBase64, tags } = details;
  const sample = selection.by === 'keys' ? keys.slice(0, SAMPLE_KEYS) : await sampleOfTags(namesOf(selection));
  const count = stats.keysInvalidated;
  const share = shareOfAll(count);
  const named = namedKeys(sample, keysBase64);
  const prefixes = prefixesOf(named);

  return {
    selection,
    count,
    isCounted: true,
    sample: named,
    missing: namedKeys(keysNotFound, keysBase64),
    tagCounts: Object.entries(tags),
    share,
    isShareExact: true,
    bytes: null,
    reloadMs: estimateReloadMs(prefixes, count, loads),
    prefixes,
    remarks: [],
    durationMs: stats.durationMs,
    needsCount: needsTypedCount(count, share),
    role: neededRole(selection),
    canBeSoft: selection.by === 'tags' || !namesOf(selection).some(isProtected),
    canBeJob: false,
    isFlush: false,
  };
}

/** Starts a job that counts the keys, for a keyspace too large to count in one request. */
export function startCount(selection: Selection): Promise<Job> {
  return api.startClearJob({ ...clearRequest(selection, {}), dryRun: true });
}

/** The preview that such a job ended with. It has counted the keys, and does not name them. */
export async function previewOfCount(selection: Selection, job: Job): Promise<Preview> {
  const { keysMatched: count, progress, startedAt, endedAt } = job;
  const pattern = selection.by === 'pattern' ? selection.text : '*';
  const [rows, loads] = await Promise.all([someRows(pattern), recentLoads(LOADS_OF_HOURS)]);
  const prefixes = prefixesOf(rows);
  const all = progress.keysTotal ?? 0;

  return {
    selection,
    count,
    isCounted: false,
    sample: rows.slice(0, SAMPLE_KEYS),
    missing: [],
    tagCounts: [],
    share: all > 0 ? Math.min(1, count / all) : null,
    isShareExact: false,
    bytes: estimateBytes(rows, count),
    reloadMs: estimateReloadMs(prefixes, count, loads),
    prefixes,
    remarks: [],
    durationMs: Date.parse(endedAt ?? '') - Date.parse(startedAt ?? ''),
    needsCount: count > 0,
    role: neededRole(selection),
    canBeSoft: true,
    canBeJob: true,
    isFlush: false,
  };
}

/** The share of all keys of the database, as the statistics counted them. */
function shareOfAll(count: number): number | null {
  const all = liveStats.peek().value?.keyCount ?? 0;
  return all > 0 ? Math.min(1, count / all) : null;
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
  const pattern = selection.by === 'pattern' ? selection.text : '*';
  const body = selection.by === 'pattern' ? { pattern, dryRun: true } : { dryRun: true };
  const [{ stats }, rows, loads] = await Promise.all([api.clear(body), someRows(pattern), recentLoads(LOADS_OF_HOURS)]);
  if (!('keysMatched' in stats)) throw new Error('the application did not answer with a preview');

  const { exact, keysMatched: count, matchShare, matchShareExact, method } = stats;
  const isGlobal = isGlobalClear(selection);
  const sample = namedKeys(stats.sampleKeys, stats.sampleKeysBase64);
  const prefixes = prefixesOf(rows.length > 0 ? rows : sample);

  return {
    selection,
    count,
    isCounted: exact,
    sample,
    missing: [],
    tagCounts: [],
    share: matchShare,
    isShareExact: matchShareExact,
    bytes: estimateBytes(rows, count),
    reloadMs: estimateReloadMs(prefixes, count, loads),
    prefixes,
    remarks: remarksOf(exact, isGlobal && method === 'walk'),
    durationMs: stats.durationMs,
    needsCount: count > 0 && (isGlobal || stats.needsConfirm || needsTypedCount(count, matchShare)),
    role: neededRole(selection) === 'admin' ? 'admin' : stats.needsRole,
    canBeSoft: !isProtected(pattern),
    // A job’s own record is such a key.
    canBeJob: !isProtected(pattern),
    isFlush: method === 'flush',
  };
}

/** Some of the matching keys with their sizes; none when they cannot be read. */
async function someRows(pattern: string): Promise<readonly KeyRow[]> {
  const page = await api.listKeys({ pattern, limit: EFFECT_KEYS }).catch(() => null);
  return (page?.keys ?? []).filter(({ key }) => isProtected(pattern) || !isProtected(key));
}

function remarksOf(isExact: boolean, walksAll: boolean): string[] {
  return [
    ...(isExact ? [] : ['The number is an estimate: there are too many keys to count in one request.']),
    ...(walksAll ? ['Keys are cleared in slices, because FLUSHDB is not available.'] : []),
  ];
}

/** Removes the keys, or marks them stale. */
export async function remove(selection: Selection, options: RemovalOptions): Promise<Removal> {
  const { confirmation, ...mode } = options;
  const started = { selection, at: new Date() };

  if (selection.by === 'keys' || selection.by === 'tags') {
    const { stats, warnings = [] } = await api.invalidate({
      ...invalidateRequest(selection),
      ...confirmation,
      ...mode,
    });
    const { durationMs, keysInvalidated: deleted, keysMarkedStale: markedStale = 0 } = stats;
    return { ...started, deleted, markedStale, durationMs, warnings };
  }

  const { stats, warnings = [] } = await api.clear({ ...clearRequest(selection, confirmation), ...mode });
  const done = 'keysDeleted' in stats ? stats : { keysDeleted: 0, keysMarkedStale: 0 };
  const { keysDeleted: deleted, keysMarkedStale: markedStale = 0 } = done;
  return { ...started, deleted, markedStale, durationMs: stats.durationMs, warnings };
}

/** Starts a job that removes the keys, at most so many per second. */
export function startJob(
  selection: Selection,
  { confirmation, ...mode }: RemovalOptions,
  maxKeysPerSecond: number | null,
): Promise<Job> {
  const pace = maxKeysPerSecond === null ? {} : { maxKeysPerSecond };
  return api.startClearJob({ ...clearRequest(selection, confirmation), ...mode, ...pace });
}

export function describeRemoval({ deleted, markedStale }: Pick<Removal, 'deleted' | 'markedStale'>): string {
  const stale = `${formatCount(markedStale, 'key')} marked stale`;
  if (markedStale === 0) return `${formatCount(deleted, 'key')} deleted`;
  return deleted === 0 ? stale : `${stale}, ${formatCount(deleted, 'key')} deleted`;
}

function clearRequest({ by, text }: Selection, confirmation: Confirmation): { pattern?: string } & Confirmation {
  return { ...(by === 'pattern' && { pattern: text }), ...confirmation };
}

/** The confirmation that the user gave by typing the number. */
export function confirmationOf({ count, isCounted }: Pick<Preview, 'count' | 'isCounted'>): Confirmation {
  return isCounted ? { confirmCount: count } : { confirm: true };
}

function invalidateRequest(selection: Selection): { keys: string[] } | { tags: string[] } {
  const names = namesOf(selection);
  return selection.by === 'keys' ? { keys: names } : { tags: names };
}
