// Numbers as operators read them. Sizes are in powers of 1,024, as Redis prints them.

const UNITS = ['B', 'K', 'M', 'G', 'T'];

export function bytes(count: number | null | undefined): string {
  if (count === null || count === undefined || !Number.isFinite(count)) return '–';
  let [value, unit] = [count, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${UNITS[unit]}B`;
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

export function number(value: number | null | undefined): string {
  return value === null || value === undefined ? '–' : grouped.format(value);
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** The first names of a list, and how many there are in all. */
export function few(names: readonly string[], most = 3): string {
  return names.slice(0, most).join(', ') + (names.length > most ? `, … (${number(names.length)})` : '');
}

export function percent(ratio: number | null | undefined): string {
  return ratio === null || ratio === undefined ? '–' : `${(ratio * 100).toFixed(1)} %`;
}

export function milliseconds(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return '–';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return seconds(ms / 1000);
}

/** `8 s`, `2m 5s`, `3h 20m`, `2d 4h`: the two largest units. */
export function seconds(total: number): string {
  if (total < 60) return `${total < 10 && !Number.isInteger(total) ? total.toFixed(1) : Math.floor(total)} s`;
  const whole = Math.floor(total);
  const parts = {
    d: Math.floor(whole / 86400),
    h: Math.floor(whole / 3600) % 24,
    m: Math.floor(whole / 60) % 60,
    s: whole % 60,
  };
  const shown = Object.entries(parts);
  const first = shown.findIndex(([, value]) => value > 0);
  return shown
    .slice(first, first + 2)
    .map(([unit, value]) => `${value}${unit}`)
    .join(' ');
}

/** How long a key has left; `never` for one that does not expire. */
export function ttl(left: number): string {
  if (left < 0) return 'never';
  return left === 0 ? 'now' : seconds(left);
}

/** `14:03:20`, or with the day where it is another one. */
export function clock(at: string | Date, now = new Date()): string {
  const date = new Date(at);
  const time = date.toLocaleTimeString('en-GB');
  if (date.toDateString() === now.toDateString()) return time;
  return `${date.toLocaleDateString('en-CA')} ${time}`;
}

export function ago(at: string | Date | number, now: number): string {
  const passed = Math.round((now - new Date(at).getTime()) / 1000);
  return passed <= 1 ? 'just now' : `${seconds(passed)} ago`;
}

export function until(at: string, now: number): string {
  const left = Math.round((new Date(at).getTime() - now) / 1000);
  return left <= 0 ? 'due now' : `in ${seconds(left)}`;
}
