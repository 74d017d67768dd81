// The lookups of services by module: sums over rows of the history, and their hit rates.
import type { HistoryRow, ServiceLookups } from '../../api/types';

export type Lookups = Omit<ServiceLookups, 'hitRatio'>;

export interface ModuleLookups {
  module: string;
  recent: Lookups;
  before: Lookups;
}

/** The window that is judged, and the time before it that it is compared with. */
export const WINDOW_MS = 5 * 60_000;
export const BEFORE_MS = 60 * 60_000;

const NONE: Lookups = {
  hits: 0,
  nearHits: 0,
  staleHits: 0,
  misses: 0,
  bypasses: 0,
  loads: 0,
  loadMs: 0,
  loadErrors: 0,
};

export function found({ hits, nearHits, staleHits }: Lookups): number {
  return hits + nearHits + staleHits;
}

export function judged(lookups: Lookups): number {
  return found(lookups) + lookups.misses;
}

/** Null without lookups. */
export function ratioOf(lookups: Lookups): number | null {
  const all = judged(lookups);
  return all === 0 ? null : found(lookups) / all;
}

/** The average time of a load; null without loads. */
export function averageLoadMs({ loads, loadMs }: Pick<Lookups, 'loads' | 'loadMs'>): number | null {
  return loads === 0 ? null : loadMs / loads;
}

/** The time that the found entries would have taken to load; null when the time of a load is unknown. */
export function savedMs(lookups: Lookups): number | null {
  const average = averageLoadMs(lookups);
  return average === null ? null : average * found(lookups);
}

export function sumOf(parts: readonly (Lookups | null)[]): Lookups {
  return parts.reduce<Lookups>((sum, part) => (part === null ? sum : add(sum, part)), NONE);
}

function add(one: Lookups, other: Lookups): Lookups {
  const names = Object.keys(NONE) as (keyof Lookups)[];
  return Object.fromEntries(names.map((name) => [name, one[name] + other[name]])) as unknown as Lookups;
}

/** The rows of the window, and those of the hour before it. A row belongs to the time in which it begins. */
export function splitRows(rows: readonly HistoryRow[], nowMs: number): { recent: HistoryRow[]; before: HistoryRow[] } {
  const begin = nowMs - WINDOW_MS;
  const recent = rows.filter(({ at }) => Date.parse(at) >= begin);
  const before = rows.filter(({ at }) => Date.parse(at) < begin && Date.parse(at) >= begin - BEFORE_MS);
  return { recent, before };
}

/** The time that services have waited for loads of the window. */
function waitedMs(lookups: Lookups): number {
  return lookups.misses * (averageLoadMs(lookups) ?? 0);
}

/** Each module with lookups, those whose loads took the most time in the window first. */
export function modulesOf(rows: readonly HistoryRow[], nowMs: number): ModuleLookups[] {
  const { recent, before } = splitRows(rows, nowMs);
  const names = new Set(rows.flatMap(({ modules = [] }) => modules.map(({ module }) => module)));
  const of = (part: readonly HistoryRow[], name: string): Lookups =>
    sumOf(part.flatMap(({ modules = [] }) => modules.filter(({ module }) => module === name)));

  return [...names]
    .map((module) => ({ module, recent: of(recent, module), before: of(before, module) }))
    .filter((lookups) => judged(lookups.recent) + judged(lookups.before) > 0)
    .sort(
      (one, other) =>
        waitedMs(other.recent) - waitedMs(one.recent) ||
        other.recent.misses - one.recent.misses ||
        judged(other.recent) - judged(one.recent) ||
        one.module.localeCompare(other.module),
    );
}
