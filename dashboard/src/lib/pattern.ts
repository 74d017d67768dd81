// Redis glob patterns, as far as the page has to understand them. The application has the last word.

const SPECIAL = /[*?[\]\\]/g;

/** A pattern that matches this name only. */
export function escapeGlob(name: string): string {
  return name.replace(SPECIAL, '\\$&');
}

/** The pattern of a search: a typed pattern as it is, other text anywhere in the name. */
export function searchPattern(typed: string): string {
  if (typed === '') return '*';
  return /[*?[\\]/.test(typed) ? typed : `*${typed}*`;
}

/** Recognises patterns that match every key, so that the page can ask for the confirmation in advance. */
export function matchesEverything(pattern: string): boolean {
  return /^[*?]*\*[*?]*$/.test(pattern);
}

/** Patterns that begin with a wildcard need an admin. */
export function beginsLiterally(pattern: string): boolean {
  return !/^[*?[]/.test(pattern);
}

/** Keys of the audit trail, where it shares the cache's database. Nobody can remove them. */
export function isAuditTrail(name: string): boolean {
  return name === 'cache:audit' || name.startsWith('cache:audit:');
}

/** Protected keys, and patterns that begin with their prefix. */
export function isProtected(name: string): boolean {
  return name.startsWith('cache:') || name.startsWith('lock:');
}
