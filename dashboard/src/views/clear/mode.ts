// The two ways to clear: entries are marked stale, or deleted.
import { signal } from '@preact/signals';

export const MODES = ['soft', 'hard'] as const;
export type Mode = (typeof MODES)[number];

export const DEFAULT_GRACE_SECONDS = 60;

/** The chosen way, kept while the page is open. */
export const mode = signal<Mode>('soft');
/** As typed. */
export const graceTyped = signal(String(DEFAULT_GRACE_SECONDS));

/** The chosen way, where it is possible. */
export function modeFor({ canBeSoft }: { canBeSoft: boolean }): Mode {
  return canBeSoft ? mode.value : 'hard';
}

/** The reason that the typed grace cannot be used; '' when it can. */
export function graceProblem(typed: string): string {
  const seconds = Number(typed);
  return Number.isInteger(seconds) && seconds >= 1 ? '' : 'Type the grace as a whole number of seconds, 1 or more.';
}

/** The fields of a request. Those of a deletion are the default, which an older application knows, too. */
export function modeFields(chosen: Mode, typed: string): { mode?: 'soft'; softGraceSeconds?: number } {
  return chosen === 'hard' ? {} : { mode: 'soft', softGraceSeconds: Number(typed) };
}

/** `20,138 keys will be deleted` begins with the number; this is what follows. */
export const FUTURE: Record<Mode, string> = { soft: 'will be marked stale', hard: 'will be deleted' };
