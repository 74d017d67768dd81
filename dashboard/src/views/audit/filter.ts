// The filter of the audit trail, kept in the address, and the request it stands for.
import type { AuditQuery, AuditRecord } from '../../api/types';

export interface Filter {
  who: string;
  action: string;
  outcome: string;
  /** A name, or a pattern of names. */
  key: string;
  /** Times in UTC, so that a link means the same everywhere. */
  from: string;
  to: string;
}

export const NO_FILTER: Filter = { who: '', action: '', outcome: '', key: '', from: '', to: '' };

/** Actions that are offered; the filter takes others from the address. */
export const ACTIONS = [
  'analysis',
  'clear',
  'invalidate',
  'edit',
  'expire',
  'warmup',
  'warmup-cancel',
  'memory-relief',
  'ttl',
  'rules',
  'event',
  'event-removal',
  'job-begin',
  'job-end',
  'job-schedule',
  'job-pause',
  'job-resume',
  'job-cancel',
  'job-takeover',
  'undo',
  'denied',
] as const;

export const OUTCOMES: readonly AuditRecord['outcome'][] = [
  'ok',
  'failed',
  'partial',
  'cancelled',
  'denied',
  'running',
  'interrupted',
  'summed',
  'unknown',
];

export function filterInAddress(query: URLSearchParams): Filter {
  const fields = Object.keys(NO_FILTER).map((name) => [name, query.get(name) ?? '']);
  return Object.fromEntries(fields) as unknown as Filter;
}

/** The fields that are not empty: the query of the address. */
export function setFields(filter: Filter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
}

/** An outcome or a time that the address has wrong is left out, because the application would refuse it. */
export function requestOf({ who, action, outcome, key, from, to }: Filter): AuditQuery {
  const known = OUTCOMES.find((name) => name === outcome);
  return {
    ...(who !== '' && { who }),
    ...(action !== '' && { action }),
    ...(known && { outcome: known }),
    ...(key !== '' && { key }),
    ...timeField('from', from),
    ...timeField('to', to),
  };
}

function timeField(name: 'from' | 'to', text: string): { from?: string; to?: string } {
  const time = timeOf(text);
  return time === null ? {} : { [name]: time.toISOString() };
}

function timeOf(text: string): Date | null {
  const time = new Date(text);
  return text === '' || Number.isNaN(time.getTime()) ? null : time;
}

const MINUTE_MS = 60_000;

/** A time of the filter as a field for dates and times has it: local, without a zone. */
export function fieldOfTime(utc: string): string {
  const time = timeOf(utc);
  if (time === null) return '';
  return new Date(time.getTime() - time.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}

export function timeOfField(local: string): string {
  return timeOf(local)?.toISOString() ?? '';
}
