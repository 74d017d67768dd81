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

export const changeExpiry = (ref: KeyRef, change: t.ExpiryRequest): Promise<{ key: string; ttl: number }> =>
  dataOf(call('PATCH', '/keys/entry', { body: { ...ref, ...change } }));

export const removeKey = (ref: KeyRef): Promise<t.InvalidateReport> => call('DELETE', '/keys/entry', { body: ref });

export const clear = (body: t.ClearRequest): Promise<t.ClearReport> => call('POST', '/clear', { body });

export const invalidate = (body: t.InvalidateRequest): Promise<t.InvalidateReport> =>
  call('POST', '/invalidate', { body });

export const getWarmupPlan = (signal?: AbortSignal): Promise<t.WarmupPlan> =>
  dataOf(call('GET', '/warmup/plan', abortBy(signal)));

export const startWarmup = (body: t.WarmupRequest): Promise<t.WarmupReport> => call('POST', '/warmup', { body });

export const cancelWarmup = (): Promise<unknown> => call('POST', '/warmup/cancel', { body: {} });

/** The state of the warmup as a stream of events, or as JSON where the application cannot stream. */
export const watchWarmup = (signal: AbortSignal): Promise<Response> =>
  send('GET', '/warmup', { accept: 'text/event-stream, application/json;q=0.5', signal });

export const listAuditRecords = (query: Page, signal?: AbortSignal): Promise<t.AuditPage> =>
  dataOf(call('GET', '/audit', { query: { ...query }, ...abortBy(signal) }));

export const getTtlTable = (signal?: AbortSignal): Promise<t.TtlTable> =>
  call<Envelope<{ table: t.TtlTable }>>('GET', '/ttl', abortBy(signal)).then((answer) => answer.data.table);

async function dataOf<T>(answer: Promise<Envelope<T>>): Promise<T> {
  return (await answer).data;
}

function abortBy(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
