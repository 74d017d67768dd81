import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/api/types';
import { describeAlike, Target } from '../../src/views/audit/target';
import { matches } from '../../src/views/audit/trail';
import { textOf } from '../rendered';

const NO_FILTER = { caller: '', action: '', stream: '' };

describe('the filter', () => {
  const record = { who: 'Deploy', action: 'clear', stream: 'changes' } as AuditRecord;

  test.each(['dep', ' DEPLOY '])('the caller Deploy matches %j', (caller) =>
    expect(matches(record, { ...NO_FILTER, caller })).toBe(true),
  );

  test.each([{ caller: 'x' }, { action: 'warmup' }, { stream: 'denied' }])(
    'a clear by Deploy does not match %j',
    (filter) => expect(matches(record, { ...NO_FILTER, ...filter })).toBe(false),
  );

  test('all parts of the filter have to match', () => {
    expect(matches(record, { caller: 'deploy', action: 'clear', stream: 'changes' })).toBe(true);
    expect(matches(record, { caller: 'deploy', action: 'clear', stream: 'denied' })).toBe(false);
  });
});

describe('records beyond a quota', () => {
  const alike = { count: 106_700, failed: 0, keysDeleted: 0, since: '2026-01-02T03:04:05.000Z' };

  test('are counted', () => expect(describeAlike(alike)).toMatch(/^106,700 more like this since \S+/));

  test('name their failures', () => expect(describeAlike({ ...alike, failed: 2 })).toMatch(/, 2 failed$/));
});

describe('the target', () => {
  const targetOf = (record: Partial<AuditRecord>): string => textOf(Target({ record: record as AuditRecord }));

  test('has the names, the detail and the error', () => {
    expect(targetOf({ keys: ['a', 'b'], tags: ['t'], detail: 'and 5 more keys', error: 'Redis is full' })).toBe(
      'a, b · #t · and 5 more keys · Redis is full',
    );
    expect(targetOf({ pattern: 'users:*', cut: true })).toBe('users:* · truncated');
  });

  test('without anything is a dash', () => expect(targetOf({})).toBe('–'));

  test('marks the names that the record has in base64 as escaped', () => {
    const keysBase64 = { 'caf\\xe9': 'Y2Fm6Q==', 'b\\xff*': 'Yv8q' };

    expect(targetOf({ keys: ['caf\\xe9', 'caf'], keysBase64 })).toBe('caf\\xe9 escaped, caf');
    expect(targetOf({ pattern: 'b\\xff*', keysBase64 })).toBe('b\\xff* escaped');
  });

  test('marks no name of a record without names in base64', () => {
    expect(targetOf({ keys: ['caf\\xe9', 'constructor'] })).toBe('caf\\xe9, constructor');
    expect(targetOf({ keys: ['constructor'], keysBase64: { 'caf\\xe9': 'Y2Fm6Q==' } })).toBe('constructor');
  });

  test('shows white space in names as symbols', () => {
    expect(targetOf({ keys: [' a', 'a', 'b\n'] })).toBe('␣a, a, b↵');
  });
});
