import { describe, expect, test } from 'vitest';
import type { AuditRecord } from '../../src/api/types';
import { describeAlike, Target } from '../../src/views/audit/target';
import { csvOf, failureIn } from '../../src/views/audit/export';
import {
  fieldOfTime,
  filterInAddress,
  NO_FILTER,
  requestOf,
  setFields,
  timeOfField,
} from '../../src/views/audit/filter';
import { textOf } from '../rendered';

describe('the filter', () => {
  const FULL = {
    who: 'deploy',
    action: 'clear',
    outcome: 'failed',
    key: 'users:*',
    from: '2026-01-31T12:00:00.000Z',
    to: '2026-01-31T13:00:00.000Z',
  };

  test('is kept in the address', () => {
    const address = new URLSearchParams(setFields(FULL));
    expect(filterInAddress(address)).toEqual(FULL);
    expect(setFields(NO_FILTER)).toEqual({});
  });

  test('is the request', () => {
    expect(requestOf(FULL)).toEqual(FULL);
    expect(requestOf(NO_FILTER)).toEqual({});
  });

  test('leaves out what the application would refuse', () =>
    expect(requestOf({ ...NO_FILTER, outcome: 'fine', from: 'yesterday' })).toEqual({}));

  test('shows times as local ones', () => {
    expect(timeOfField(fieldOfTime(FULL.from))).toBe(FULL.from);
    expect(fieldOfTime('yesterday')).toBe('');
    expect(timeOfField('')).toBe('');
  });
});

describe('an export', () => {
  test('is complete when its last line is a record', () => {
    expect(failureIn('{"id":"1-0"}\n{"id":"0-1","error":"Redis is full"}\n')).toBe('');
    expect(failureIn('')).toBe('');
  });

  test('has the reason otherwise', () => expect(failureIn('{"id":"1-0"}\n{"error":"no answer"}\n')).toBe('no answer'));
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

test('records as a table have a header, quoted cells, and no formulas', () => {
  const lines = [
    JSON.stringify({ at: '2025-11-15T12:36:00.000Z', who: 'ada', keys: ['a', 'b'], keysDeleted: 2, detail: 'x, "y"' }),
    JSON.stringify({ who: '=HYPERLINK("x")', keysDeleted: -1 }),
  ].join('\n');

  const rows = csvOf(`${lines}\n`).split('\r\n');

  expect(rows[0]).toMatch(/^at,who,role,action,outcome,/);
  expect(rows[1]).toMatch(/^2025-11-15T12:36:00.000Z,ada,,,,,,a b,,2,/);
  expect(rows[1]).toContain('"x, ""y"""');
  expect(rows[2]).toContain(`"'=HYPERLINK(""x"")"`);
  expect(rows[2]).toContain(',-1,');
  expect(rows).toHaveLength(4);
});
