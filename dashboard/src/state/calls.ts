// The last calls to the API with what each cost: for DevTools, and for whoever wonders why something is slow.
import { signal } from '@preact/signals';
import { readServerTiming, type RedisTiming } from '../lib/server-timing';

export interface ApiCall {
  id: number;
  at: Date;
  method: string;
  url: string;
  /** 0 while under way. */
  status: number;
  /** Why there was no answer; '' otherwise. */
  failure: string;
  /** Milliseconds until the headers, and until the whole body was there. */
  headersMs: number | null;
  totalMs: number | null;
  /** What the application says it asked of Redis; null where it does not say. */
  redis: RedisTiming | null;
  requestId: string;
}

const KEPT = 200;
export const calls = signal<readonly ApiCall[]>([]);
let next = 1;

export function record(method: string, url: string) {
  const started = performance.now();
  const elapsed = (): number => performance.now() - started;
  const id = next++;
  const made: ApiCall = {
    id,
    at: new Date(),
    method,
    url,
    status: 0,
    failure: '',
    headersMs: null,
    totalMs: null,
    redis: null,
    requestId: '',
  };
  calls.value = [made, ...calls.peek()].slice(0, KEPT);
  const change = (what: Partial<ApiCall>): void => {
    calls.value = calls.peek().map((call) => (call.id === id ? { ...call, ...what } : call));
  };
  return {
    failed: (failure: string) => change({ failure, totalMs: elapsed() }),
    answered: (response: Response) =>
      change({
        status: response.status,
        headersMs: elapsed(),
        redis: readServerTiming(response.headers.get('server-timing')),
        requestId: response.headers.get('x-request-id') ?? '',
      }),
    /** The same answer, noticing when its body has been read. */
    whenRead: (response: Response): Response => {
      if (response.body === null) {
        change({ totalMs: elapsed() });
        return response;
      }
      const noticing = new TransformStream<Uint8Array, Uint8Array>({ flush: () => change({ totalMs: elapsed() }) });
      return new Response(response.body.pipeThrough(noticing), response);
    },
  };
}
