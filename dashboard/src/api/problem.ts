// What went wrong, in the words of whoever noticed: the application's problem body, or ours where there was no answer.
import type { ProblemBody } from './types';

export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly requestId: string | undefined;
  readonly keysDeleted: number | undefined;

  constructor(status: number, detail: string, body: Partial<ProblemBody> = {}) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.kind = body.type?.replace('urn:edge-cache:problem:', '') ?? 'none';
    this.requestId = body.requestId;
    this.keysDeleted = body.keysDeleted;
  }

  /** The application was not reached at all. */
  get unreached(): boolean {
    return this.status === 0;
  }

  /** The application answers, Redis does not. */
  get redisDown(): boolean {
    return this.status === 503 && this.kind.startsWith('redis-');
  }

  get roleTooLow(): boolean {
    return this.status === 403;
  }

  /** The application is older than this page: it does not know the path, the method or the field. */
  get unsupported(): boolean {
    return this.status === 404 || this.status === 405;
  }
}

export function unreached(cause: unknown): Problem {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Problem(0, `The application cannot be reached (${why}). Is it running, and is the network up?`);
}

/** Reads the body of a failed answer; one that is no problem body is told by its status. */
export async function problemOf(response: Response): Promise<Problem> {
  const fallback = `The application answered ${response.status} ${response.statusText}`.trim();
  try {
    const body = (await response.json()) as Partial<ProblemBody>;
    return new Problem(response.status, body.detail ?? fallback, body);
  } catch {
    return new Problem(response.status, fallback);
  }
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(-1, error instanceof Error ? error.message : String(error));
}

export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
