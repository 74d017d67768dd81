// The part of the `server-timing` header about Redis: `redis;desc="3 commands, 1 round trip";dur=1.25`.

export interface RedisTiming {
  commands: number;
  roundTrips: number;
  /** Milliseconds the request waited for Redis. */
  ms: number;
}

/** Returns null when the header does not describe Redis completely. */
export function parseServerTiming(header: string | null): RedisTiming | null {
  const metric = header?.split(/,(?=\s*[\w-]+\s*;)/).find((part) => part.trim().startsWith('redis'));
  if (metric === undefined) return null;

  const find = (number: RegExp): number => Number(metric.match(number)?.[1] ?? Number.NaN);
  const timing = {
    commands: find(/(\d+) commands?/),
    roundTrips: find(/(\d+) round trips?/),
    ms: find(/dur=([\d.]+)/),
  };
  return Object.values(timing).some(Number.isNaN) ? null : timing;
}
