import { expect, test } from 'vitest';
import { parseServerTiming } from '../../src/lib/server-timing';

test('the cost in Redis is read from the header', () => {
  const header = 'total;dur=3, redis;desc="3 commands, 1 round trip";dur=1.25';

  expect(parseServerTiming(header)).toEqual({ commands: 3, roundTrips: 1, ms: 1.25 });
});

test.each([null, '', 'total;dur=3', 'redis;dur=1'])('the header %j does not describe Redis', (header) =>
  expect(parseServerTiming(header)).toBeNull(),
);
