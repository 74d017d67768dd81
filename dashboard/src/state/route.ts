// The current view, kept in the fragment of the address with a query of its own: `#/keys?pattern=users%3A*`.
import { signal } from '@preact/signals';

export const VIEWS = [
  'overview',
  'memory',
  'keys',
  'clear',
  'expiry',
  'ttls',
  'jobs',
  'warmup',
  'performance',
  'alerts',
  'audit',
  'dev',
] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  // A query that was typed by hand may contain further question marks.
  const [, path = '', query = ''] = hash.match(/^#?\/?([^?]*)\??(.*)$/s) ?? [];
  const view = VIEWS.find((known) => known === path) ?? 'overview';
  return { view, query: new URLSearchParams(query) };
}

export function href(view: View, query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}

export const route = signal<Route>(parseRoute(typeof location === 'undefined' ? '' : location.hash));

export function startRouting(): void {
  addEventListener('hashchange', () => (route.value = parseRoute(location.hash)));
}

/** Opens a view. `replace` changes the address without an entry in the browser's history. */
export function navigate(view: View, query: Record<string, string> = {}, replace = false): void {
  const target = href(view, query);
  if (target === location.hash) return;

  if (replace) {
    history.replaceState(null, '', target);
    route.value = parseRoute(target);
  } else {
    location.hash = target;
  }
}

/** Keeps a value with the current entry of the browser's history: the way back finds it again, a new link does not. */
export function keepInHistory(value: unknown): void {
  try {
    history.replaceState(value, '');
  } catch {
    // Browsers limit how often this is possible.
  }
}

export function keptInHistory(): unknown {
  return history.state;
}
