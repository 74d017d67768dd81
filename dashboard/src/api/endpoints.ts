// The operations of the API, one function each.
import { idOf, type KeyRef } from '../lib/key-name';
import { call, send } from './client';
import type * as t from './types';

interface Envelope<T> {
  data: T;
}

interface Page {
  cursor?: string;
  limit?: number;
}

/** Longer names go into a body, because proxies limit the length of a URL. */
const MAX_QUERY_NAME = 1000;

export const getHealth = (signal?: AbortSignal): Promise<t.Health> =>
  call('GET', '/health', { acceptStatus: 503, ...abortBy(signal) });

/** Tries a token that nobody is signed in with. */
export const tryToken = (token: string): Promise<unknown> => call('GET', '/stats', { token });

export const getStats = (signal?: AbortSignal): Promise<t.Stats> => dataOf(call('GET', '/stats', abortBy(signal)));

export const listKeys = (query: t.KeysQuery, signal?: AbortSignal): Promise<t.KeyPage> =>
  dataOf(call('GET', '/keys', { query: { ...query }, ...abortBy(signal) }));

/** Names the key in the query or in a body, never in the path, which clients and proxies may alter. */
export function inspectKey(ref: KeyRef, page: Page = {}, signal?: AbortSignal): Promise<t.KeyDetail> {
  if (idOf(ref).length > MAX_QUERY_NAME) {
    return dataOf(call('POST', '/keys/entry', { body: { ...ref, ...page }, ...abortBy(signal) }));
  }

  // Built here because an empty name is a name, which `call` would leave out.
  const query = new URLSearchParams({ ...ref });
  for (const [name, value] of Object.entries(page)) query.set(name, String(value));
  return dataOf(call('GET', `/keys/entry?${query}`, abortBy(signal)));
}

/** The whole value as bytes. The body fails if it ends before its length. */
export const downloadKey = (ref: KeyRef, form: t.ValueForm): Promise<Response> =>
  send('POST', '/keys/entry', { body: { ...ref, download: form }, accept: 'application/octet-stream' });

export const changeExpiry = (ref: KeyRef, change: t.ExpiryRequest): Promise<{ key: string; ttl: number }> =>
  dataOf(call('PATCH', '/keys/entry', { body: { ...ref, ...change } }));

/** An edit that can be undone for a while. */
export interface Edit extends t.EditedValue {
  operationId: string | undefined;
}

export const editKey = (ref: KeyRef, edit: Omit<t.EntryEditRequest, 'key' | 'keyBase64'>): Promise<Edit> =>
  editOf(call('PUT', '/keys/entry', { body: { ...ref, ...edit } }));

/** Restores the value that an edit replaced. */
export const undoEdit = (operationId: string): Promise<Edit> =>
  editOf(call('POST', `/operations/${encodeURIComponent(operationId)}/undo`, { body: {} }));

async function editOf(answer: Promise<Envelope<t.EditedValue> & { operationId?: string }>): Promise<Edit> {
  const { data, operationId } = await answer;
  return { ...data, operationId };
}

export const removeKey = (ref: KeyRef): Promise<t.InvalidateReport> => call('DELETE', '/keys/entry', { body: ref });

export const clear = (body: t.ClearRequest): Promise<t.ClearReport> => call('POST', '/clear', { body });

/** Starts a job that clears, and returns it at once. */
export const startClearJob = (body: t.ClearRequest): Promise<t.Job> =>
  call<t.ChangedJob>('POST', '/clear', { body: { ...body, async: true } }).then((answer) => answer.job);

/** Starts a job that changes expiries, and returns it at once. */
export const startExpireJob = (body: t.ExpireRequest): Promise<t.Job> =>
  call<t.ChangedJob>('POST', '/expire', { body: { ...body, async: true } }).then((answer) => answer.job);

export const expire = (body: t.ExpireRequest): Promise<t.ExpireReport> => call('POST', '/expire', { body });

export const invalidate = (body: t.InvalidateRequest): Promise<t.InvalidateReport> =>
  call('POST', '/invalidate', { body });

export const getWarmupPlan = (signal?: AbortSignal): Promise<t.WarmupPlan> =>
  dataOf(call('GET', '/warmup/plan', abortBy(signal)));

export const startWarmup = (body: t.WarmupRequest): Promise<t.WarmupReport> => call('POST', '/warmup', { body });

export const cancelWarmup = (): Promise<unknown> => call('POST', '/warmup/cancel', { body: {} });

/** The state of the warmup as a stream of events, or as JSON where the application cannot stream. */
export const watchWarmup = (signal: AbortSignal): Promise<Response> =>
  send('GET', '/warmup', { accept: 'text/event-stream, application/json;q=0.5', signal });

export const listJobs = (query: Page & { state?: t.JobState }, signal?: AbortSignal): Promise<t.JobPage> =>
  dataOf(call('GET', '/jobs', { query: { ...query }, ...abortBy(signal) }));

/** A job as a stream of events until it has ended, or as JSON where the application cannot stream. */
export const watchJob = (id: string, signal: AbortSignal): Promise<Response> =>
  send('GET', `/jobs/${id}`, { accept: 'text/event-stream, application/json;q=0.5', signal });

export const changeJob = (id: string, change: t.JobChange): Promise<t.Job> =>
  call<t.ChangedJob>('POST', `/jobs/${id}/${change}`, { body: {} }).then((answer) => answer.job);

/** Begins a job that does what a dry run has counted. */
export const executeDryRun = (id: string, body: t.ExecuteRequest): Promise<t.Job> =>
  call<t.ChangedJob>('POST', `/jobs/${id}/execute`, { body }).then((answer) => answer.job);

export const getHistory = (query: t.HistoryQuery, signal?: AbortSignal): Promise<t.History> =>
  dataOf(call('GET', '/history', { query: { ...query }, ...abortBy(signal) }));

/** An analysis of the keyspace; the newest by default. */
export const getAnalysis = (id?: string, signal?: AbortSignal): Promise<t.Analysis> =>
  dataOf(call('GET', '/analysis', { query: { id }, ...abortBy(signal) }));

/** Analyses a sample of the keys, and returns the result. */
export const analyseSample = (body: t.AnalysisRequest): Promise<t.Analysis> =>
  dataOf(call('POST', '/analysis', { body: { ...body, mode: 'sample' } }));

/** Starts a job that analyses all keys, and returns it at once. */
export const startAnalysis = (body: t.AnalysisRequest): Promise<t.Job> =>
  call<t.ChangedJob>('POST', '/analysis', { body: { ...body, mode: 'full' } }).then((answer) => answer.job);

export const getHotKeys = (query: t.HotKeysQuery, signal?: AbortSignal): Promise<t.HotKeys> =>
  dataOf(call('GET', '/hotkeys', { query: { ...query }, ...abortBy(signal) }));

export const getAlerts = (signal?: AbortSignal): Promise<t.Alerts> => dataOf(call('GET', '/alerts', abortBy(signal)));

export const listSlowCommands = (query: Page): Promise<t.SlowlogPage> =>
  dataOf(call('GET', '/slowlog', { query: { ...query } }));

/** All records that the filters take, a line of JSON each. */
export const exportAudit = (query: t.AuditQuery): Promise<Response> =>
  send('GET', '/audit', { query: { ...query }, accept: 'application/x-ndjson' });

export const listAuditRecords = (query: t.AuditQuery, signal?: AbortSignal): Promise<t.AuditPage> =>
  dataOf(call('GET', '/audit', { query: { ...query }, ...abortBy(signal) }));

export const getTtlTable = (signal?: AbortSignal): Promise<t.TtlTable> =>
  call<Envelope<{ table: t.TtlTable }>>('GET', '/ttl', abortBy(signal)).then((answer) => answer.data.table);

/** Overrides a row of the TTL table, and returns the new table. */
export const setTtl = (prefix: string, ttl: number): Promise<t.TtlTable> =>
  call<Envelope<{ table: t.TtlTable }>>('PUT', '/ttl', { body: { prefix, ttl } }).then((answer) => answer.data.table);

/** Removes an override of the TTL table, and returns the new table. */
export const resetTtl = (prefix: string): Promise<t.TtlTable> =>
  call<Envelope<{ table: t.TtlTable }>>('DELETE', '/ttl', { body: { prefix } }).then((answer) => answer.data.table);

async function dataOf<T>(answer: Promise<Envelope<T>>): Promise<T> {
  return (await answer).data;
}

function abortBy(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
