// Sends every request of the page: adds the token, records the cost, learns the caller's role from the answer, and throws a
// `Problem` for a failure.
import { recordCall } from './calls';
import { isAborted, problemOf, unreachable } from './problem';
import { learnCaller, rejectToken, token } from './session';

export interface RequestOptions {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  accept?: string;
  signal?: AbortSignal;
  /** A failure status whose body is a result, not a problem: the health check answers 503 when unhealthy. */
  acceptStatus?: number;
  /** A token to try instead of the session's. */
  token?: string;
}

/** Returns the JSON of the answer. */
export async function call<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  return (await response.json()) as T;
}

/** Returns the answer with its body unread, for streams. */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const sentToken = options.token ?? token.peek();
  const url = `/api/cache${path}${queryString(options.query)}`;
  const recorded = recordCall(method, url);

  let response: Response;
  try {
    response = await fetch(url, requestInit(method, options, sentToken));
  } catch (error) {
    recorded.fail(isAborted(error) ? 'cancelled' : 'no answer');
    throw isAborted(error) ? error : unreachable(error);
  }
  recorded.receiveHeaders(response);

  // An answer to an older token does not describe the current one.
  if (sentToken === token.peek()) learnCaller(response);
  if (response.ok || response.status === options.acceptStatus) return recorded.trackBody(response);

  const problem = await problemOf(recorded.trackBody(response));
  if (problem.status === 401 && sentToken !== '') rejectToken(sentToken, problem.message);
  throw problem;
}

function requestInit(method: string, { accept, body, signal }: RequestOptions, sentToken: string): RequestInit {
  const headers: Record<string, string> = { accept: accept ?? 'application/json' };
  if (sentToken !== '') headers['authorization'] = `Bearer ${sentToken}`;

  const init: RequestInit = { method, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    init.body = JSON.stringify(body);
  }
  if (signal) init.signal = signal;
  return init;
}

function queryString(query: RequestOptions['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
