// The `server-timing` header, as far as it speaks of Redis: `redis;desc="3 commands, 1 round trip";dur=1.25`.

export interface RedisTiming {
  commands: number;
  trips: number;
  /** Milliseconds the request waited for Redis. */
  ms: number;
}

export function readServerTiming(header: string | null): RedisTiming | null {
  const metric = header?.split(/,(?=\s*[\w-]+\s*;)/).find((part) => part.trim().startsWith('redis'));
  if (metric === undefined) return null;
  const count = (noun: RegExp): number => Number(metric.match(noun)?.[1] ?? Number.NaN);
  const timing = {
    commands: count(/(\d+) commands?/),
    trips: count(/(\d+) round trips?/),
    ms: count(/dur=([\d.]+)/),
  };
  return Object.values(timing).some(Number.isNaN) ? null : timing;
}
