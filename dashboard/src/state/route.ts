// Which view is shown: the part of the address behind `#/`, with its own query: `#/keys?pattern=users%3A*`.
import { signal } from '@preact/signals';

const VIEWS = ['overview', 'clear', 'keys', 'warmup', 'audit', 'dev'] as const;
export type View = (typeof VIEWS)[number];

export interface Route {
  view: View;
  query: URLSearchParams;
}

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const view = VIEWS.find((known) => known === path) ?? 'overview';
  return { view, query: new URLSearchParams(query) };
}

export function href(view: View, query: Record<string, string> = {}): string {
  const text = new URLSearchParams(query).toString();
  return `#/${view}${text === '' ? '' : `?${text}`}`;
}

export const route = signal<Route>(readRoute(typeof location === 'undefined' ? '' : location.hash));

export function startRouting(): void {
  addEventListener('hashchange', () => (route.value = readRoute(location.hash)));
}

/** Goes there; `replace` changes the address without a step in the history. */
export function go(view: View, query: Record<string, string> = {}, replace = false): void {
  const to = href(view, query);
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, '', to);
    route.value = readRoute(to);
  } else {
    location.hash = to;
  }
}
