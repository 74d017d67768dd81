// Who is asking: the token the user typed in, kept in this tab alone, and what is known of its role.
import { computed, effect, signal, untracked } from '@preact/signals';
import type { Role } from '../api/types';

const KEPT_AS = 'edge-cache.token';
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

export const token = signal(recall());
/** The token's name, the *who* of the audit trail; '' while it is not known. */
export const who = signal('');
/** The token's role; null while it is not known. */
export const role = signal<Role | null>(null);
/** Why the last token was turned away. */
export const rejection = signal('');
export const signedIn = computed(() => token.value !== '');

/** Whether the token was typed into this page, and not kept from before a reload. */
export let typedHere = false;

export function signIn(typed: string): void {
  forget();
  typedHere = true;
  rejection.value = '';
  token.value = typed.trim();
  keep(token.value);
}

export function signOut(): void {
  forget();
  rejection.value = '';
}

/** The application does not know the token: ask for another, and say why. An answer to an older token changes nothing. */
export function rejected(sentToken: string, why: string): void {
  if (sentToken !== token.peek()) return;
  forget();
  rejection.value = why;
}

/** Takes the role from an answer's headers, else from the words of a refusal. */
export function learnFrom(response: Response, refusal = ''): void {
  const told = refusal.match(/the token of (\S+) has (\w+)/);
  const caller = response.headers.get('x-caller') ?? told?.[1];
  const named = response.headers.get('x-caller-role') ?? told?.[2];
  if (caller) who.value = caller;
  if (isRole(named)) role.value = named;
}

/** Why the token may not do this, in a sentence; '' where it may or where that is not known. */
export function lacks(needed: Role): string {
  const has = role.value;
  if (has === null || ROLES.indexOf(has) >= ROLES.indexOf(needed)) return '';
  return `Needs the role ${needed}; your token has ${has}.`;
}

/** Runs when there is no token any more: what was seen with it is forgotten, for the next one may see less. */
export function whenSignedOut(forget: () => void): void {
  effect(() => {
    if (token.value === '') untracked(forget);
  });
}

function isRole(text: string | null | undefined): text is Role {
  return ROLES.includes(text as Role);
}

function forget(): void {
  token.value = '';
  who.value = '';
  role.value = null;
  keep('');
}

// Where storage is forbidden the token lives as long as the page.
function recall(): string {
  try {
    return sessionStorage.getItem(KEPT_AS) ?? '';
  } catch {
    return '';
  }
}

function keep(value: string): void {
  try {
    if (value === '') sessionStorage.removeItem(KEPT_AS);
    else sessionStorage.setItem(KEPT_AS, value);
  } catch {
    // Nothing to do: see `recall`.
  }
}
