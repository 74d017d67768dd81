// Redis glob patterns, as far as the page has to understand them.

const SPECIAL = /[*?[\]\\]/g;

/** A name as a pattern that matches nothing else. */
export function escapeGlob(name: string): string {
  return name.replace(SPECIAL, '\\$&');
}

/** What a typed search means: a pattern as it is; plain text anywhere in the name. */
export function searchPattern(typed: string): string {
  const text = typed.trim();
  if (text === '') return '*';
  return /[*?[\\]/.test(text) ? text : `*${text}*`;
}

/** Whether a pattern surely matches every key. The application decides; this only asks for the confirmation in time. */
export function matchesEverything(pattern: string): boolean {
  return /^[*?]*\*[*?]*$/.test(pattern);
}

/** The audit trail, where it shares the cache's database: nobody removes it. */
export const TRAIL = 'cache:audit';

/** Whether a key, or what a pattern starts with, is of those that edge-cache keeps. */
export function isProtected(name: string): boolean {
  return name.startsWith('cache:') || name.startsWith('lock:');
}

/** A key's name as a segment of a path. The list gives better ones, for names that are no UTF-8. */
export function keyPath(name: string): string {
  return name === '.' || name === '..' ? '%2E'.repeat(name.length) : encodeURIComponent(name);
}
