// Each operation of the API as a function.
import { call, open } from './client';
import type * as t from './types';

interface Data<T> {
  data: T;
}

export const health = (signal?: AbortSignal): Promise<t.Health> =>
  call('GET', '/health', { alsoOk: 503, ...on(signal) });

export const stats = (signal?: AbortSignal): Promise<t.Stats> => data(call('GET', '/stats', on(signal)));

export const keys = (query: t.KeysQuery, signal?: AbortSignal): Promise<t.KeyPage> =>
  data(call('GET', '/keys', { query: { ...query }, ...on(signal) }));

/** `path` is the name percent-encoded, as the list gives it. */
export const inspect = (
  path: string,
  query: { cursor?: string; limit?: number } = {},
  signal?: AbortSignal,
): Promise<t.KeyDetail> => data(call('GET', `/keys/${path}`, { query, ...on(signal) }));

export const changeExpiry = (path: string, body: t.ExpiryRequest): Promise<{ key: string; ttl: number }> =>
  data(call('PATCH', `/keys/${path}`, { body }));

export const clear = (body: t.ClearRequest): Promise<t.ClearReport> => call('POST', '/clear', { body });

export const invalidate = (body: t.InvalidateRequest): Promise<t.InvalidateReport> =>
  call('POST', '/invalidate', { body });

export const warmupPlan = (signal?: AbortSignal): Promise<t.WarmupPlan> =>
  data(call('GET', '/warmup/plan', on(signal)));

export const startWarmup = (body: t.WarmupRequest): Promise<t.WarmupReport> => call('POST', '/warmup', { body });

export const cancelWarmup = (): Promise<unknown> => call('POST', '/warmup/cancel', { body: {} });

/** The running warmup as a stream of events where the application can, else its state as JSON. */
export const watchWarmup = (signal: AbortSignal): Promise<Response> =>
  open('GET', '/warmup', { accept: 'text/event-stream, application/json;q=0.5', signal });

export const audit = (query: { cursor?: string; limit?: number }, signal?: AbortSignal): Promise<t.AuditPage> =>
  data(call('GET', '/audit', { query, ...on(signal) }));

export const ttlTable = (signal?: AbortSignal): Promise<t.TtlTable> =>
  call<Data<{ table: t.TtlTable }>>('GET', '/ttl', on(signal)).then((answer) => answer.data.table);

async function data<T>(answer: Promise<Data<T>>): Promise<T> {
  return (await answer).data;
}

function on(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
