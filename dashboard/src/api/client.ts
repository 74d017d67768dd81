// The one way out: every request of the page goes through `call`, which adds the token, times it, learns the role from the
// answer, and turns whatever is no success into a `Problem`.
import { learnFrom, rejected, token } from '../state/session';
import { record } from '../state/calls';
import { isAborted, problemOf, unreached } from './problem';

export interface Ask {
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  accept?: string;
  signal?: AbortSignal;
  /** Whether an answer that is no success is read as one: the health check says "unhealthy" with 503. */
  alsoOk?: number;
}

export async function call<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
  const response = await open(method, path, ask);
  return (await response.json()) as T;
}

/** The answer with its body unread, for streams. */
export async function open(method: string, path: string, ask: Ask = {}): Promise<Response> {
  const sentToken = token.peek();
  const url = `/api/cache${path}${queryOf(ask.query)}`;
  const timed = record(method, url);
  let response: Response;
  try {
    response = await fetch(url, init(method, ask, sentToken));
  } catch (error) {
    timed.failed(isAborted(error) ? 'cancelled' : 'no answer');
    throw isAborted(error) ? error : unreached(error);
  }
  timed.answered(response);
  // An answer to an older token says nothing of this one.
  const learn = (refusal?: string): void => {
    if (sentToken === token.peek()) learnFrom(response, refusal);
  };
  learn();
  if (response.ok || response.status === ask.alsoOk) return timed.whenRead(response);
  const problem = await problemOf(timed.whenRead(response));
  if (problem.status === 401 && sentToken !== '') rejected(sentToken, problem.message);
  if (problem.roleTooLow) learn(problem.message);
  throw problem;
}

function init(method: string, ask: Ask, sentToken: string): RequestInit {
  const headers: Record<string, string> = { accept: ask.accept ?? 'application/json' };
  if (sentToken !== '') headers['authorization'] = `Bearer ${sentToken}`;
  const request: RequestInit = { method, headers, cache: 'no-store', credentials: 'omit', redirect: 'error' };
  if (ask.body !== undefined) {
    headers['content-type'] = 'application/json';
    request.body = JSON.stringify(ask.body);
  }
  if (ask.signal) request.signal = ask.signal;
  return request;
}

function queryOf(query: Ask['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== '');
  if (pairs.length === 0) return '';
  return `?${new URLSearchParams(pairs.map(([name, value]): [string, string] => [name, String(value)]))}`;
}
