// The honest states: loading, nothing there, something wrong.
import type { ComponentChildren } from 'preact';
import type { Problem } from '../api/problem';
import type { Role } from '../api/types';
import { plural } from '../lib/format';
import { href } from '../state/route';
import { lacks } from '../state/session';

export function Loading({ what }: { what: string }) {
  return (
    <p class="note" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="note">{children}</p>;
}

/** A problem in the application's own words, with what this page can add. */
export function Trouble({ problem, what, retry }: { problem: Problem; what?: string; retry?: () => void }) {
  return (
    <div class={`trouble${problem.roleTooLow ? ' mild' : ''}`} role="alert">
      <strong>{heading(problem, what)}</strong>
      <p>{problem.message}</p>
      {problem.keysDeleted !== undefined && (
        <p>Removed before it failed: {plural(problem.keysDeleted, 'key')}. Repeating it continues.</p>
      )}
      {problem.status > 0 && (
        <p class="fine">
          Status {problem.status}
          {problem.requestId && ` · request ${problem.requestId}`}
        </p>
      )}
      {retry && (
        <button type="button" class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

function heading(problem: Problem, what = 'This'): string {
  if (problem.unreached) return 'The application does not answer';
  if (problem.redisDown) return `${what} did not work: Redis is not available`;
  if (problem.roleTooLow) return `${what} is not for this token`;
  if (problem.status === 429) return 'Too many attempts';
  return `${what} did not work`;
}

/** Shown in place of a part that the token may not see, without asking the application for it. */
export function RoleWall({ needs, what }: { needs: Role; what: string }) {
  return (
    <div class="trouble mild">
      <strong>{what}</strong>
      <p>{lacks(needs)} Ask whoever runs this application for another token, or sign in with one.</p>
    </div>
  );
}

export function Badge({ tone, children }: { tone: string; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}

export function Tags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return <span class="muted">none</span>;
  return (
    <ul class="tags" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <a href={href('clear', { by: 'tags', tags: tag })} title={`Clear by the tag ${tag}`}>
            {tag}
          </a>
        </li>
      ))}
    </ul>
  );
}
