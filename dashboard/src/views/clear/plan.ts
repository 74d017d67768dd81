// What is to be cleared, as the user says it, and how that is asked of the API.
import * as api from '../../api/endpoints';
import type { Role, Text } from '../../api/types';
import { few, plural } from '../../lib/format';
import { isProtected, keyPath, matchesEverything } from '../../lib/pattern';

export type By = 'pattern' | 'keys' | 'tags' | 'everything';
export const WAYS: readonly By[] = ['pattern', 'keys', 'tags', 'everything'];

/** What was typed, by way. Keys and tags stand on lines of their own. */
export interface Plan {
  by: By;
  text: string;
}

export interface Preview {
  plan: Plan;
  count: number;
  sample: string[];
  /** What else there is to say: keys not found, members of each tag. */
  remarks: string[];
  duration: string;
  /** Whether it takes the typed word. */
  everything: boolean;
}

export interface Result {
  what: string;
  at: Date;
  deleted: number;
  duration: string;
  warnings: readonly string[];
}

const SAMPLE = 20;

export function lines(text: string): string[] {
  return [
    ...new Set(
      text
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean),
    ),
  ];
}

export function needed(plan: Plan): Role {
  const named = plan.by === 'pattern' || plan.by === 'keys' ? lines(plan.text) : [];
  return isGlobal(plan) || named.some(isProtected) ? 'admin' : 'operator';
}

export function isGlobal(plan: Plan): boolean {
  return plan.by === 'everything' || (plan.by === 'pattern' && matchesEverything(plan.text.trim()));
}

/** Why there is nothing to preview yet; '' where there is. */
export function incomplete(plan: Plan): string {
  if (plan.by === 'everything' || lines(plan.text).length > 0) return '';
  return { pattern: 'Type a pattern first.', keys: 'Type at least one key.', tags: 'Type at least one tag.' }[plan.by];
}

export function describe(plan: Plan): string {
  if (plan.by === 'everything') return 'everything';
  if (plan.by === 'pattern') return `pattern ${plan.text.trim()}`;
  const named = lines(plan.text);
  return `${plan.by === 'keys' ? 'key' : 'tag'}${named.length === 1 ? '' : 's'} ${few(named)}`;
}

/** Asks what would go, without removing anything. */
export async function preview(plan: Plan): Promise<Preview> {
  if (plan.by === 'everything' || plan.by === 'pattern') return previewClear(plan);
  const names = lines(plan.text);
  const report = await api.invalidate({ ...request(plan), dryRun: true });
  const { keys, keysNotFound, tags } = report.details;
  const remarks = [
    ...(keysNotFound.length > 0 ? [`Not in the cache: ${few(keysNotFound, SAMPLE)}`] : []),
    ...Object.entries(tags).map(([tag, count]) => `${tag}: ${plural(count, 'key')}`),
  ];
  const sample = plan.by === 'keys' ? keys.slice(0, SAMPLE) : await sampleOf(names);
  const { keysInvalidated: count, duration } = report.stats;
  return { plan, count, sample, remarks, duration, everything: false };
}

async function previewClear(plan: Plan): Promise<Preview> {
  const body = plan.by === 'everything' ? { dryRun: true } : { pattern: plan.text.trim(), dryRun: true };
  const { stats } = await api.clear(body);
  if (!('keysMatched' in stats)) throw new Error('the application did not answer with a preview');
  const { keysMatched: count, sampleKeys, duration } = stats;
  return { plan, count, sample: [...sampleKeys], remarks: [], duration, everything: isGlobal(plan) };
}

/** Some keys of the tags: a preview of tags counts them and names none. A tag's set is a key like any other. */
async function sampleOf(tags: readonly string[]): Promise<string[]> {
  const some = tags.slice(0, 5);
  const sets = some.map((tag) => api.inspect(keyPath(`cache:tags:${tag}`), { limit: SAMPLE }).catch(() => null));
  const members = (await Promise.all(sets)).flatMap((set) => (Array.isArray(set?.value) ? (set.value as Text[]) : []));
  return [...new Set(members.filter((member) => typeof member === 'string'))].slice(0, SAMPLE);
}

/** Removes. `confirm` says that the word was typed. */
export async function carryOut(plan: Plan, confirm: boolean): Promise<Result> {
  const base = { what: describe(plan), at: new Date() };
  if (plan.by === 'everything' || plan.by === 'pattern') {
    const pattern = plan.by === 'pattern' ? { pattern: plan.text.trim() } : {};
    const { stats, warnings = [] } = await api.clear({ ...pattern, ...(confirm ? { confirm } : {}) });
    const deleted = 'keysDeleted' in stats ? stats.keysDeleted : 0;
    return { ...base, deleted, duration: stats.duration, warnings };
  }
  const { stats, warnings = [] } = await api.invalidate(request(plan));
  return { ...base, deleted: stats.keysInvalidated, duration: stats.duration, warnings };
}

function request(plan: Plan): { keys: string[] } | { tags: string[] } {
  return plan.by === 'keys' ? { keys: lines(plan.text) } : { tags: lines(plan.text) };
}
