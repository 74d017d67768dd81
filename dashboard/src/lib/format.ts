// Numbers and times as text for operators. A value that is not known is a dash.

const UNKNOWN = '–';
/** Powers of 1,024, as Redis prints sizes. */
const BYTE_UNITS = ['B', 'KB', 'MB', 'GB', 'TB'];

export function formatBytes(count: number | null | undefined): string {
  if (count === null || count === undefined || !Number.isFinite(count)) return UNKNOWN;

  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function formatNumber(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : grouped.format(value);
}

/** `1 key`, `1,234 keys`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

export function formatPercent(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? UNKNOWN : `${(ratio * 100).toFixed(1)} %`;
}

export function formatMilliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return formatSeconds(ms / 1000);
}

/** The two largest units that are not zero: `8 s`, `2m 5s`, `3h 20m`, `2d`. */
export function formatSeconds(total: number): string {
  if (total < 60) return `${total < 10 && !Number.isInteger(total) ? total.toFixed(1) : Math.floor(total)} s`;

  const whole = Math.floor(total);
  const parts = Object.entries({
    d: Math.floor(whole / 86_400),
    h: Math.floor(whole / 3600) % 24,
    m: Math.floor(whole / 60) % 60,
    s: whole % 60,
  });
  const largest = parts.findIndex(([, value]) => value > 0);

  return parts
    .slice(largest, largest + 2)
    .filter(([, value]) => value > 0)
    .map(([unit, value]) => `${value}${unit}`)
    .join(' ');
}

/** The time until a key expires; `never` for a key without a TTL. */
export function formatTtl(seconds: number): string {
  if (seconds < 0) return 'never';
  return seconds === 0 ? 'now' : formatSeconds(seconds);
}

/** `14:03:20`, with the date in front unless it is today's. */
export function formatTime(at: string | Date, now = new Date()): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB');

  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString('en-CA')} ${time}`;
}

export function timeSince(at: string | Date | number, now: number): string {
  const seconds = Math.round((now - new Date(at).getTime()) / 1000);
  return seconds <= 1 ? 'just now' : `${formatSeconds(seconds)} ago`;
}

export function timeUntil(at: string, now: number): string {
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  return seconds <= 0 ? 'due now' : `in ${formatSeconds(seconds)}`;
}
