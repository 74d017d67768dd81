// The columns of the charts, from rows of the history. A step without a row is a gap.
import type { History, HistoryRow } from '../../api/types';
import { averageLoadMs } from './lookups';

type Column = (number | null)[];

export interface Columns {
  /** Seconds since 1970: the end of each step, because gauges are those at its end. */
  at: number[];
  services: Column;
  redis: Column;
  loadMs: Column;
  memory: Column;
  keys: Column;
  withoutTtl: Column;
  commands: Column;
  latency: Column;
  evictions: Column;
  expiries: Column;
}

type Figure = (row: HistoryRow) => number | null;

const FIGURES: Record<Exclude<keyof Columns, 'at'>, Figure> = {
  services: ({ services }) => percent(services?.hitRatio ?? null),
  redis: ({ hits, misses }) =>
    hits === null || misses === null || hits + misses === 0 ? null : percent(hits / (hits + misses)),
  loadMs: ({ services }) => (services === null ? null : averageLoadMs(services)),
  memory: ({ memoryBytes }) => memoryBytes,
  keys: ({ keys }) => keys,
  withoutTtl: ({ keys, keysWithTtl }) =>
    keys === null || keysWithTtl === null ? null : Math.max(0, keys - keysWithTtl),
  commands: (row) => perSecond(row.commands, row),
  latency: ({ latencyMs }) => latencyMs,
  evictions: (row) => times(perSecond(row.evictedKeys, row), 60),
  expiries: (row) => times(perSecond(row.expiredKeys, row), 60),
};

/** Most modules in the chart of load times: there are four colours for their lines. */
const MAX_MODULES = 4;
/** Rows further apart than this many steps are not joined by a line. */
const MAX_JOINED_STEPS = 1.5;

type Rows = Pick<History, 'rows' | 'stepSeconds' | 'to'>;
type Points = { at: number; row: HistoryRow | null }[];

export function columnsOf(history: Rows): Columns {
  const points = pointsOf(history);
  const column = (figure: Figure): Column => points.map(({ row }) => (row === null ? null : figure(row)));
  const columns = Object.entries(FIGURES).map(([name, figure]) => [name, column(figure)]);
  return { at: points.map(({ at }) => at), ...Object.fromEntries(columns) } as Columns;
}

/** The average load times of the modules whose loads took the most time, the first of them first. */
export function loadTimesOf(history: Rows): { label: string; values: Column }[] {
  const spent = new Map<string, number>();
  for (const { modules = [] } of history.rows)
    for (const { module, loadMs } of modules) spent.set(module, (spent.get(module) ?? 0) + loadMs);

  const slowest = [...spent].filter(([, ms]) => ms > 0).sort(([, one], [, other]) => other - one);
  const points = pointsOf(history);
  return slowest.slice(0, MAX_MODULES).map(([label]) => ({
    label,
    values: points.map(({ row }) => {
      const lookups = row?.modules?.find(({ module }) => module === label);
      return lookups ? averageLoadMs(lookups) : null;
    }),
  }));
}

function pointsOf({ rows, stepSeconds, to }: Rows): Points {
  const end = Date.parse(to) / 1000;
  const points: Points = [];

  for (const row of rows) {
    const at = Math.min(Date.parse(row.at) / 1000 + stepSeconds, end);
    const last = points.at(-1)?.at;
    if (last !== undefined && at - last > stepSeconds * MAX_JOINED_STEPS)
      points.push({ at: (last + at) / 2, row: null });
    points.push({ at, row });
  }
  return points;
}

function percent(ratio: number | null): number | null {
  return times(ratio, 100);
}

/** A counter of a row as a rate. A row covers less than its step after a gap, or an unknown time. */
function perSecond(count: number | null, { seconds }: HistoryRow): number | null {
  return count === null || seconds === 0 ? null : count / seconds;
}

function times(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}
