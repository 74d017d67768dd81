import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/api/types';
import { describeAlike } from '../../src/views/audit/records';
import { matches } from '../../src/views/audit/trail';

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
