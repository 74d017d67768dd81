// The session: the user's token, and the name and role that answers report for it. The token is kept in this tab, or on request
// in this browser for a while.
import { computed, effect, signal, untracked } from '@preact/signals';
import type { Role } from './types';

const STORAGE_KEY = 'edge-cache.token';
const REMEMBERED_KEY = 'edge-cache.remembered-token';
export const REMEMBERED_HOURS = 12;
/** From the least to the most powerful. */
const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

export const token = signal(readStoredToken());
/** The token's name, as in the audit trail; '' while unknown. */
export const callerName = signal('');
/** The token's role; null while unknown. */
export const role = signal<Role | null>(null);
/** The reason the application gave for rejecting the last token; '' otherwise. */
export const rejection = signal('');
export const signedIn = computed(() => token.value !== '');

/** True when the user signed in on this page; false when a reload restored the token. */
export let signedInHere = false;

/** `remember`: other tabs of this browser are signed in, too, for some hours. */
export function signIn(typed: string, remember = false): void {
  forgetToken();
  signedInHere = true;
  rejection.value = '';
  token.value = typed.trim();
  if (remember) rememberToken(token.value);
  else storeToken(token.value);
}

export function signOut(): void {
  forgetToken();
  rejection.value = '';
}

/** Signs out because the application does not know the token. The rejection of an older token changes nothing. */
export function rejectToken(sentToken: string, reason: string): void {
  if (sentToken !== token.peek()) return;
  forgetToken();
  rejection.value = reason;
}

/** Reads the token's name and role from the headers of an answer. */
export function learnCaller(response: Response): void {
  const name = response.headers.get('x-caller');
  const reported = response.headers.get('x-caller-role');
  if (name) callerName.value = name;
  if (isRole(reported)) role.value = reported;
}

/** A sentence when the token's role is known to be too low; '' otherwise. */
export function missingRole(needed: Role): string {
  const current = role.value;
  if (current === null || ROLES.indexOf(current) >= ROLES.indexOf(needed)) return '';
  return `Requires the ${needed} role; your token has the ${current} role.`;
}

/** Runs `forget` whenever there is no token: the next one may not be allowed to see the data of this one. */
export function onSignOut(forget: () => void): void {
  effect(() => {
    if (token.value === '') untracked(forget);
  });
}

function isRole(text: string | null): text is Role {
  return ROLES.includes(text as Role);
}

function forgetToken(): void {
  token.value = '';
  callerName.value = '';
  role.value = null;
  storeToken('');
}

function readStoredToken(): string {
  try {
    return sessionStorage.getItem(STORAGE_KEY) ?? rememberedToken(localStorage.getItem(REMEMBERED_KEY), Date.now());
  } catch {
    return '';
  }
}

/** The token in a stored text; '' when its time is over. */
export function rememberedToken(stored: string | null, now: number): string {
  if (stored === null) return '';
  const { token: value, until } = JSON.parse(stored) as { token?: unknown; until?: unknown };
  return typeof value === 'string' && typeof until === 'number' && until > now ? value : '';
}

function rememberToken(value: string): void {
  const until = Date.now() + REMEMBERED_HOURS * 3_600_000;
  try {
    localStorage.setItem(REMEMBERED_KEY, JSON.stringify({ token: value, until }));
  } catch {
    // As with storeToken.
  }
}

/** Signs out when another tab forgets the token that is remembered for all of them. */
export function startSession(): void {
  addEventListener('storage', ({ key, oldValue, newValue }) => {
    if (key !== REMEMBERED_KEY || newValue !== null) return;
    if (rememberedToken(oldValue, 0) === token.peek()) signOut();
  });
}

function storeToken(value: string): void {
  try {
    if (value !== '') return sessionStorage.setItem(STORAGE_KEY, value);
    sessionStorage.removeItem(STORAGE_KEY);
    localStorage.removeItem(REMEMBERED_KEY);
  } catch {
    // Where the browser forbids storage, the token lasts as long as the page.
  }
}
