import { describe, expect, test } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatTime,
  formatTtl,
  timeSince,
  timeUntil,
} from '../../src/lib/format';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KB'],
  [25480397, '24.3 MB'],
  [1024 ** 4 * 2048, '2048.0 TB'],
])('%d bytes are shown as %s', (count, shown) => expect(formatBytes(count)).toBe(shown));

test.each([
  [0, '0 s'],
  [1.5, '1.5 s'],
  [59, '59 s'],
  [60, '1m'],
  [3600 + 65, '1h 1m'],
  [86_400 * 2 + 3600 * 4, '2d 4h'],
])('%d seconds are shown as %s', (total, shown) => expect(formatSeconds(total)).toBe(shown));

describe('numbers', () => {
  test('an unknown value is a dash', () => {
    expect(formatBytes(null)).toBe('–');
    expect(formatNumber(undefined)).toBe('–');
    expect(formatPercent(null)).toBe('–');
    expect(formatMilliseconds(null)).toBe('–');
  });

  test('zero is a number', () => {
    expect(formatNumber(0)).toBe('0');
    expect(formatPercent(0)).toBe('0.0 %');
  });

  test('only one thing is singular', () => {
    expect(formatCount(1, 'key')).toBe('1 key');
    expect(formatCount(0, 'key')).toBe('0 keys');
    expect(formatCount(1234, 'entry', 'entries')).toBe('1,234 entries');
  });
});

describe('times', () => {
  const now = Date.UTC(2025, 10, 15, 12, 30);

  test('a key without a TTL never expires', () => {
    expect(formatTtl(-1)).toBe('never');
    expect(formatTtl(0)).toBe('now');
    expect(formatTtl(600)).toBe('10m');
  });

  test('past and future times are relative to now', () => {
    expect(timeSince('2025-11-15T12:28:00.000Z', now)).toBe('2m ago');
    expect(timeUntil('2025-11-15T12:40:00.000Z', now)).toBe('in 10m');
    expect(timeUntil('2025-11-15T12:20:00.000Z', now)).toBe('due now');
  });

  test('a time on another day has its date', () => {
    expect(formatTime('2025-11-14T12:00:00.000Z', new Date(now))).toContain('2025-11-14');
  });
});
