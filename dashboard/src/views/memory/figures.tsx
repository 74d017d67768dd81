// Figures of an analysis as text: estimates with their intervals, growth, and the distribution of TTLs.
import type { AnalysisGroup, AnalysisTtl, Estimate, TypeSizes } from '../../api/types';
import { formatBytes, formatCount, formatMilliseconds, formatNumber, formatPercent } from '../../lib/format';

const TTL_PARTS: readonly (readonly [name: keyof AnalysisTtl, label: string])[] = [
  ['none', 'no TTL'],
  ['lessThan1m', 'under 1 minute'],
  ['lessThan5m', '1 to 5 minutes'],
  ['lessThan1h', '5 to 60 minutes'],
  ['lessThan1d', '1 to 24 hours'],
  ['longer', 'over 1 day'],
];

/** Intervals of smaller shares have a further digit. */
const SMALL_SHARE = 0.01;

export interface TtlPart {
  name: keyof AnalysisTtl;
  label: string;
  keys: number;
  /** 0 to 1. */
  share: number;
}

export function ttlParts(ttl: AnalysisTtl): TtlPart[] {
  const all = Math.max(
    1,
    TTL_PARTS.reduce((sum, [name]) => sum + ttl[name], 0),
  );
  return TTL_PARTS.map(([name, label]) => ({ name, label, keys: ttl[name], share: ttl[name] / all }));
}

/** `12.4 % (11.9 to 12.9)`; without the interval where the figure is exact. */
export function formatShare(share: Estimate): string {
  return isExact(share) ? formatPercent(share.value) : `${formatPercent(share.value)} (${formatInterval(share)})`;
}

export function formatInterval({ low, high }: Estimate): string {
  const digits = high < SMALL_SHARE ? 2 : 1;
  const percent = (ratio: number): string => (ratio * 100).toFixed(digits);
  return `${percent(low)} to ${percent(high)}`;
}

export function isExact({ low, high }: Estimate): boolean {
  return low === high;
}

/** `about 1.2 MB, 1.1 MB to 1.3 MB`. */
export function formatEstimate(estimate: Estimate, format: (value: number) => string): string {
  if (isExact(estimate)) return format(estimate.value);
  return `about ${format(estimate.value)}, ${format(estimate.low)} to ${format(estimate.high)}`;
}

/** The interval as a part of the way from zero to its end, with a mark at the figure: the longer, the less is known. */
export function Whisker({ estimate: { value, low, high } }: { estimate: Estimate }) {
  const place = (figure: number): string => `${(figure / (high || 1)) * 100}%`;

  return (
    <span class="whisker" aria-hidden="true">
      <i style={{ left: place(low), width: place(high - low) }} />
      <b style={{ left: place(value) }} />
    </span>
  );
}

export const formatKeys = (count: number): string => formatNumber(Math.round(count));

/** `+1.2 MB a day`. */
export function formatGrowth(bytesPerDay: number | null | undefined): string {
  if (bytesPerDay === null || bytesPerDay === undefined) return '–';
  const sign = bytesPerDay > 0 ? '+' : bytesPerDay < 0 ? '−' : '';
  return `${sign}${formatBytes(Math.round(Math.abs(bytesPerDay)))}`;
}

/** The cause of a reload cost, or of its absence. */
export function describeReload({ prefix, keys, isInternal }: AnalysisGroup, reloadMs: number | null): string {
  if (isInternal) return 'Services do not load the keys of edge-cache.';
  const module = prefix.split(':')[0] ?? '';
  if (reloadMs === null) return `No load of ${module || 'these keys'} was counted in the last 24 hours.`;
  const average = formatMilliseconds(reloadMs / Math.max(1, keys.value));
  return `${formatKeys(keys.value)} keys, each the ${average} that a load of ${module} took on average in the last 24 hours`;
}

/** `12,345 keys: half up to 512 B, the largest 1.0 MB to 2.0 MB`. */
export function describeSizes({ keys, unit, classes }: TypeSizes): string {
  const format = unit === 'bytes' ? formatBytes : formatNumber;
  let before = 0;
  const median = classes.find((sizes) => (before += sizes.keys) * 2 >= keys);
  const largest = classes.at(-1);
  if (!median || !largest) return formatCount(keys, 'key');

  const more = unit === 'elements' ? ' elements' : '';
  return `${formatCount(keys, 'key')}: half up to ${format(median.to)}, the largest ${format(largest.from)} to ${format(largest.to)}${more}`;
}

/** The shares of the TTLs as one bar. The text beside it has the figures. */
export function TtlBar({ ttl }: { ttl: AnalysisTtl }) {
  const parts = ttlParts(ttl).filter(({ keys }) => keys > 0);
  const text = parts.map(({ label, share }) => `${label} ${formatPercent(share)}`).join(', ');

  return (
    <span class="ttl-bar" title={text}>
      {parts.map(({ name, share }) => (
        <span key={name} class={`ttl-${name}`} style={{ flexGrow: share }} />
      ))}
      <span class="hidden">{text}</span>
    </span>
  );
}
