// The groups of an analysis as a tree of prefixes: the parts of one prefix, and what its parts do not cover.
import type { Analysis, AnalysisFigures, AnalysisGroup, HistoryRow } from '../../api/types';
import { escapeGlob } from '../../lib/pattern';
import { estimateReloadMs } from '../reload';

/** A part of the memory that is shown: a group, or the rest that the groups of its level do not cover. */
export interface Part {
  /** Null for the rest. */
  group: AnalysisGroup | null;
  label: string;
  keys: number;
  bytes: number;
  /** Of all bytes, 0 to 1. */
  share: number;
  /** Of its keys, 0 to 1; null for the rest. */
  withoutTtlShare: number | null;
}

/** Stands for ids in a prefix. */
const PLACEHOLDER = '{id}';

/** The group of a prefix, '' for names without a colon; null for a prefix that the analysis does not list. */
export function groupOf(analysis: Analysis, prefix: string | null): AnalysisGroup | null {
  return analysis.groups.find((group) => group.prefix === prefix) ?? null;
}

/** The groups one level below a prefix, those with the most bytes first. */
export function groupsBelow({ groups }: Analysis, parent: AnalysisGroup | null): AnalysisGroup[] {
  const depth = (parent?.depth ?? 0) + 1;
  return groups
    .filter((group) => group.depth === depth && (parent === null || isBelow(group, parent)))
    .sort((one, other) => other.bytes.value - one.bytes.value);
}

/** The groups that contain this one, from the top. */
export function pathOf({ groups }: Analysis, group: AnalysisGroup): AnalysisGroup[] {
  return groups.filter((other) => isBelow(group, other)).sort((one, other) => one.depth - other.depth);
}

/** Only a prefix that ends with a colon has others below it. */
function isBelow(group: AnalysisGroup, above: AnalysisGroup): boolean {
  return group.depth > above.depth && above.prefix.endsWith(':') && group.prefix.startsWith(above.prefix);
}

export function labelOf({ prefix }: AnalysisGroup): string {
  return prefix === '' ? 'names without a colon' : prefix;
}

/** The parts of a prefix by bytes. The smallest, and what no group covers, are summed up. */
export function partsOf(analysis: Analysis, parent: AnalysisGroup | null, maxGroups: number): Part[] {
  const groups = groupsBelow(analysis, parent);
  const shown = groups.slice(0, maxGroups).map(partOf);
  const whole: AnalysisFigures = parent ?? analysis.totals;

  const rest: Part = {
    group: null,
    label: restLabel(groups.length - shown.length),
    keys: remainder(whole.keys.value, shown, ({ keys }) => keys),
    bytes: remainder(whole.bytes.value, shown, ({ bytes }) => bytes),
    share: remainder(whole.share.value, shown, ({ share }) => share),
    withoutTtlShare: null,
  };
  return rest.bytes > 0 && (shown.length > 0 || rest.keys > 0) ? [...shown, rest] : shown;
}

function partOf(group: AnalysisGroup): Part {
  const { keys, bytes, share, withoutTtlShare } = group;
  return { group, label: labelOf(group), keys: keys.value, bytes: bytes.value, share: share.value, withoutTtlShare };
}

function restLabel(leftOut: number): string {
  return leftOut > 0 ? `${leftOut} smaller prefixes and other keys` : 'other keys';
}

/** Estimates need not add up, so the rest is never less than zero. */
function remainder(whole: number, parts: readonly Part[], figure: (part: Part) => number): number {
  return Math.max(0, whole - parts.reduce((sum, part) => sum + figure(part), 0));
}

/**
 * The pattern of all keys of a group; null where no pattern has just these. It may match further keys where the prefix stands
 * for ids.
 */
export function patternOf({ prefix, isInternal }: Pick<AnalysisGroup, 'prefix' | 'isInternal'>): string | null {
  if (prefix === '' || isInternal) return null;
  const parts = prefix.split(':').map((part) => (part === PLACEHOLDER ? '*' : escapeGlob(part)));
  return `${parts.join(':')}${prefix.endsWith(':') ? '*' : ''}`;
}

/** The prefix stands for ids, so that its pattern may match further keys. */
export function hasPlaceholder({ prefix }: Pick<AnalysisGroup, 'prefix'>): boolean {
  return prefix.split(':').includes(PLACEHOLDER);
}

/** The time to load the keys of a group again; null when no load of its module is known. Nobody loads edge-cache's own keys. */
export function reloadMsOf({ prefix, keys, isInternal }: AnalysisGroup, loads: readonly HistoryRow[]): number | null {
  return isInternal ? null : estimateReloadMs([{ prefix, share: 1 }], keys.value, loads);
}

export type Column = 'prefix' | 'keys' | 'bytes' | 'noTtl' | 'average' | 'growth' | 'reload';

const FIGURES: Record<Exclude<Column, 'prefix'>, (group: AnalysisGroup, loads: readonly HistoryRow[]) => number> = {
  keys: ({ keys }) => keys.value,
  bytes: ({ bytes }) => bytes.value,
  noTtl: ({ withoutTtlShare }) => withoutTtlShare,
  average: ({ averageBytes }) => averageBytes,
  growth: ({ growth }) => growth?.bytesPerDay ?? -Infinity,
  reload: (group, loads) => reloadMsOf(group, loads) ?? -1,
};

/** Sorted by name, or by a figure with the largest first. */
export function sortGroups(
  groups: readonly AnalysisGroup[],
  by: Column,
  loads: readonly HistoryRow[] = [],
): AnalysisGroup[] {
  if (by === 'prefix') return [...groups].sort((one, other) => one.prefix.localeCompare(other.prefix));
  const figure = (group: AnalysisGroup): number => FIGURES[by](group, loads);
  return [...groups].sort((one, other) => figure(other) - figure(one) || one.prefix.localeCompare(other.prefix));
}
