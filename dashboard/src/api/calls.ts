// The latest calls to the API and the cost of each, for DevTools.
import { signal } from '@preact/signals';
import { parseServerTiming, type RedisTiming } from '../lib/server-timing';

export interface ApiCall {
  id: number;
  at: Date;
  method: string;
  url: string;
  /** 0 until there is an answer. */
  status: number;
  /** The reason when there is no answer; '' otherwise. */
  failure: string;
  /** Milliseconds until the headers arrived, and until the whole body did. */
  headersMs: number | null;
  totalMs: number | null;
  /** The cost in Redis as the application reports it; null when it does not. */
  redis: RedisTiming | null;
  requestId: string;
}

const MAX_CALLS = 200;
export const calls = signal<readonly ApiCall[]>([]);
let nextId = 1;

const NEW_CALL = { status: 0, failure: '', headersMs: null, totalMs: null, redis: null, requestId: '' };

/** Adds a call that begins now. The functions returned add what happens to it. */
export function recordCall(method: string, url: string) {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;

  const call = { ...NEW_CALL, id: nextId++, at: new Date(), method, url };
  calls.value = [call, ...calls.peek()].slice(0, MAX_CALLS);
  const update = (changes: Partial<ApiCall>): void => {
    calls.value = calls.peek().map((other) => (other.id === call.id ? { ...other, ...changes } : other));
  };

  return {
    fail: (failure: string) => update({ failure, totalMs: elapsed() }),
    receiveHeaders: ({ status, headers }: Response) =>
      update({
        status,
        headersMs: elapsed(),
        redis: parseServerTiming(headers.get('server-timing')),
        requestId: headers.get('x-request-id') ?? '',
      }),
    trackBody: (response: Response) => whenRead(response, () => update({ totalMs: elapsed() })),
  };
}

/** Returns the same answer, and calls `done` when its body has been read. */
function whenRead(response: Response, done: () => void): Response {
  if (response.body === null) {
    done();
    return response;
  }
  const body = response.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({ flush: done }));
  return new Response(body, response);
}
