// The user's settings of the page itself: the theme, and whether DevTools are shown.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'dark' | 'light';
export const THEMES: readonly Theme[] = ['system', 'dark', 'light'];

export const theme = signal<Theme>(readSetting('theme', THEMES, 'system'));
export const devTools = signal(
  readSetting('dev', ['on', 'off'], 'off') === 'on' ||
    requestsDevTools(typeof location === 'undefined' ? '' : location.search),
);
/** Counts changes of the colours in use. Charts, which cannot inherit colours, are drawn again when it changes. */
export const colourChanges = signal(0);

/** True for `?dev` and `?dev=1`, false for `?dev=0`. */
export function requestsDevTools(search: string): boolean {
  const value = new URLSearchParams(search).get('dev');
  return value !== null && !['0', 'false', 'off'].includes(value);
}

export function startSettings(): void {
  const countChange = (): void => {
    colourChanges.value = colourChanges.peek() + 1;
  };

  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    storeSetting('theme', theme.value);
    countChange();
  });
  effect(() => storeSetting('dev', devTools.value ? 'on' : 'off'));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', countChange);
}

function readSetting<T extends string>(name: string, known: readonly T[], fallback: T): T {
  try {
    const stored = localStorage.getItem(`edge-cache.${name}`);
    return known.find((value) => value === stored) ?? fallback;
  } catch {
    return fallback;
  }
}

function storeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(`edge-cache.${name}`, value);
  } catch {
    // Where the browser forbids storage, a setting lasts as long as the page.
  }
}
