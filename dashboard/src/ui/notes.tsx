// Notes shown in place of content: it is loading, there is none, it failed, or the role is too low.
import type { ComponentChildren } from 'preact';
import type { Problem } from '../api/problem';
import { missingRole } from '../api/session';
import type { Role } from '../api/types';
import { formatCount } from '../lib/format';
import { Icon } from './icon';

const PLACEHOLDERS = [62, 88, 74, 95, 56, 81, 68, 90];

/** Lines that stand in for what is being loaded. */
export function Loading({ what }: { what: string }) {
  return (
    <div class="skeleton lines" role="status">
      <span class="hidden">Loading {what} …</span>
      {PLACEHOLDERS.map((percent) => (
        <span key={percent} class="bone" style={{ width: `${percent}%` }} />
      ))}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="note">{children}</p>;
}

interface FailureProps {
  problem: Problem;
  /** The subject of "… failed", such as "Reading the key". */
  action: string;
  retry?: (() => void) | undefined;
}

/** A failed action, with the application's own description. */
export function Failure({ problem, action, retry }: FailureProps) {
  return (
    <div class={`failure${problem.roleTooLow ? ' mild' : ''}`} role="alert">
      <Icon name={problem.roleTooLow ? 'info' : 'bad'} /> <strong>{failureTitle(problem, action)}</strong>
      <p>{problem.message}</p>
      {problem.keysDeleted !== undefined && (
        <p>
          {formatCount(problem.keysDeleted, 'key')} deleted before the failure. Repeat the action to delete the rest.
        </p>
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

function failureTitle(problem: Problem, action: string): string {
  if (problem.unreachable) return 'The application is not responding';
  if (problem.redisDown) return `${action} failed: Redis is not available`;
  if (problem.roleTooLow) return `${action} is not allowed for this token`;
  if (problem.kind === 'too-many-attempts') return 'Too many attempts';
  return `${action} failed`;
}

/** Shown in place of content that the token may not read. The page does not request such content. */
export function RoleNote({ needs, title }: { needs: Role; title: string }) {
  return (
    <div class="failure mild">
      <Icon name="info" /> <strong>{title}</strong>
      <p>{missingRole(needs)} Sign in with another token, or ask the owner of this application for one.</p>
    </div>
  );
}
