import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/api/types';
import {
  describeExecution,
  describeKind,
  describeOutcome,
  describeProgress,
  mergePage,
  runningMs,
} from '../../src/views/jobs/describe';

const JOB = {
  id: '019a8b2c3d4e5f607182',
  state: 'running',
  kind: 'clear',
  dryRun: false,
  patterns: ['users:*'],
  maxKeysPerSecond: null,
  createdBy: 'deploy',
  requestId: '5f0c2a9e5f0c2a9e5f0c2a9e5f0c2a9e',
  createdAt: '2025-11-15T12:31:00.000Z',
  startedAt: '2025-11-15T12:31:01.000Z',
  updatedAt: '2025-11-15T12:31:04.000Z',
  endedAt: null,
  inForceAt: '2025-11-15T12:31:00.050Z',
  keysMatched: 48_210,
  keysRemoved: 48_210,
  keysMarkedStale: 0,
  keysChanged: 0,
  keysAppeared: 0,
  runAt: null,
  keysFailed: 0,
  progress: { keysWalked: 480_000, keysTotal: 2_000_000, percent: 24, keysPerSecond: 121_000, etaSeconds: 12, pass: 1 },
  nodes: [],
  takeovers: 0,
  error: null,
} as unknown as Job;

describe('a job', () => {
  test('is named by its operation', () => {
    expect(describeKind(JOB)).toBe('Clear');
    expect(describeKind({ ...JOB, dryRun: true })).toBe('Dry run of clear');
  });

  test('tells its outcome', () => {
    expect(describeOutcome(JOB)).toBe('48,210 keys deleted');
    expect(describeOutcome({ ...JOB, dryRun: true })).toBe('48,210 keys would be deleted');
    expect(describeOutcome({ ...JOB, keysRemoved: 0, keysMarkedStale: 5 })).toBe('5 keys marked stale');
    expect(describeOutcome({ ...JOB, dryRun: true, mode: 'soft' })).toBe('48,210 keys would be marked stale');
    expect(describeOutcome({ ...JOB, kind: 'expire', keysChanged: 7 })).toBe('7 keys changed');
    expect(describeOutcome({ ...JOB, kind: 'expire', dryRun: true, keysChanged: 7 })).toBe('7 keys would change');
  });

  test('that is scheduled tells when it begins', () => {
    const runAt = '2025-11-15T02:00:00.000Z';
    expect(describeOutcome({ ...JOB, state: 'scheduled', runAt })).toMatch(/^begins 2025-11-15 \d\d:00:00$/);
  });

  test('names the effect of executing a dry run', () => {
    const dryRun: Job = { ...JOB, dryRun: true, keysRemoved: 0, keysChanged: 7 };
    expect(describeExecution(dryRun)).toBe('Delete 48,210 keys');
    expect(describeExecution({ ...dryRun, mode: 'soft' })).toBe('Mark 48,210 keys stale');
    expect(describeExecution({ ...dryRun, kind: 'expire' })).toBe('Change the TTL of 7 keys');
  });

  test('tells its rate and the time left while it runs', () => {
    expect(describeProgress(JOB)).toBe('480,000 of 2,000,000 keys walked · 121,000 keys per second · about 12 s left');
    expect(describeProgress({ ...JOB, state: 'paused', maxKeysPerSecond: 500 })).toBe(
      '480,000 of 2,000,000 keys walked · at most 500 matching keys per second',
    );
    expect(
      describeProgress({ ...JOB, state: 'queued', progress: { ...JOB.progress, keysTotal: null, keysWalked: 0 } }),
    ).toBe('0 keys walked');
  });

  test('has a duration until it ends', () => {
    expect(runningMs(JOB, Date.parse('2025-11-15T12:31:05.000Z'))).toBe(4000);
    expect(runningMs({ ...JOB, endedAt: '2025-11-15T12:31:03.000Z' }, 0)).toBe(2000);
    expect(runningMs({ ...JOB, startedAt: null }, 0)).toBeNull();
  });
});

describe('the list', () => {
  const job = (id: string): Job => ({ ...JOB, id });
  const ids = (jobs: readonly Job[]): string[] => jobs.map(({ id }) => id);

  test('the first page replaces what it covers, and older jobs stay', () => {
    expect(ids(mergePage([job('5'), job('4')], true, [job('4'), job('3'), job('2')]))).toEqual(['5', '4', '3', '2']);
  });

  test('the only page replaces everything', () => {
    expect(ids(mergePage([job('5')], false, [job('5'), job('3')]))).toEqual(['5']);
    expect(mergePage([], false, [job('5')])).toEqual([]);
  });
});
