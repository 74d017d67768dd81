// Failures of a call: the application's own description, or one of this page when there is no answer.
import type { LoadLock, ProblemBody } from './types';

/** `status` is 0 when the application did not answer, and -1 when this page found the fault. */
export class Problem extends Error {
  readonly status: number;
  readonly kind: string;
  readonly requestId: string | undefined;
  readonly keysDeleted: number | undefined;
  /** Of the newer value, when an edit was refused because of it. */
  readonly hash: string | undefined;
  /** Of the key that does not exist. */
  readonly loadLock: LoadLock | null;

  constructor(status: number, detail: string, body: Partial<ProblemBody> = {}) {
    super(detail);
    this.name = 'Problem';
    this.status = status;
    this.kind = body.type?.replace('urn:edge-cache:problem:', '') ?? 'none';
    this.requestId = body.requestId;
    this.keysDeleted = body.keysDeleted;
    this.hash = body.hash;
    this.loadLock = body.loadLock ?? null;
  }

  /** The application did not answer. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  /** The application answered, but Redis did not. */
  get redisDown(): boolean {
    return this.status === 503 && this.kind.startsWith('redis-');
  }

  /** A walk over the keys takes too long for a request: a job can do it. */
  get needsJob(): boolean {
    return this.kind === 'walk-too-long';
  }

  get roleTooLow(): boolean {
    return this.status === 403 && this.kind !== 'value-editing-off';
  }

  /** The application is older than this page: it does not know the path or the method. */
  get unsupported(): boolean {
    return this.status === 404 || this.status === 405;
  }
}

export function unreachable(cause: unknown): Problem {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Problem(
    0,
    `Cannot reach the application (${reason}). Check that it is running and that the network is up.`,
  );
}

/** Reads the body of a failed answer. Without a problem body, as from a proxy, the status describes the failure. */
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
