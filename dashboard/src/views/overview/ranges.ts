// The time that the charts show: since the page was opened, or a range of the history, with the length of its steps.
export interface Range {
  name: string;
  label: string;
  seconds: number;
  /** The length of a step; the application takes multiples of 60, or of 900 past a day. */
  stepSeconds: number;
  /** Milliseconds since 1970, for a part of the past; without it, the range ends now. */
  window?: { from: number; to: number };
}

/** The range without a history: one sample with each refresh of the statistics. */
export const LIVE = 'live';

export const RANGES: readonly Range[] = [
  { name: '15m', label: '15 m', seconds: 900, stepSeconds: 60 },
  { name: '1h', label: '1 h', seconds: 3600, stepSeconds: 60 },
  { name: '24h', label: '24 h', seconds: 86_400, stepSeconds: 300 },
  { name: '7d', label: '7 d', seconds: 7 * 86_400, stepSeconds: 1800 },
  { name: '30d', label: '30 d', seconds: 30 * 86_400, stepSeconds: 7200 },
];

export const DEFAULT_RANGE = '1h';

/** The range of this name; undefined for the live charts. */
export function rangeOfName(name: string | null): Range | undefined {
  if (name === LIVE) return undefined;
  return RANGES.find((range) => range.name === name) ?? RANGES.find((range) => range.name === DEFAULT_RANGE);
}

const MIN_WINDOW_MS = 120_000;
const DAY_MS = 86_400_000;
/** Steps in a window, at most: about one for each pixel and a half of a chart. */
const MAX_STEPS = 400;

/** The range that an address names: a window from one time to another, or a range that ends now. */
export function rangeInAddress(query: URLSearchParams, now: number): Range | undefined {
  const from = Date.parse(query.get('from') ?? '');
  const to = Date.parse(query.get('to') ?? '');
  if (!(to - from >= MIN_WINDOW_MS)) return rangeOfName(query.get('range'));

  const seconds = (to - from) / 1000;
  // Rows of minutes are kept for a day, those of 15 minutes after that.
  const unit = now - from < DAY_MS ? 60 : 900;
  const stepSeconds = unit * Math.ceil(seconds / MAX_STEPS / unit);
  return { name: `${from}-${to}`, label: '', seconds, stepSeconds, window: { from, to } };
}

/** The address of a window, in whole minutes and at least two of them. */
export function addressOfWindow(from: number, to: number): Record<string, string> {
  const begin = Math.floor(from / 60_000) * 60_000;
  const end = Math.max(Math.ceil(to / 60_000) * 60_000, begin + MIN_WINDOW_MS);
  return { from: new Date(begin).toISOString(), to: new Date(end).toISOString() };
}
