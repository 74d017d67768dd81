// What the user chose of the page itself: light or dark, and whether the tools for developers are shown.
import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'dark' | 'light';
export const THEMES: readonly Theme[] = ['system', 'dark', 'light'];

export const theme = signal<Theme>(read('theme', THEMES, 'system'));
export const dev = signal(
  read('dev', ['on', 'off'], 'off') === 'on' || asksForDev(typeof location === 'undefined' ? '' : location.search),
);
/** Counts changes of the colours in force, for what draws with them. */
export const colours = signal(0);

/** `?dev`, `?dev=1`; not `?dev=0`. */
export function asksForDev(search: string): boolean {
  const value = new URLSearchParams(search).get('dev');
  return value !== null && !['0', 'false', 'off'].includes(value);
}

export function startSettings(): void {
  effect(() => {
    document.documentElement.dataset['theme'] = theme.value;
    keep('theme', theme.value);
    colours.value = colours.peek() + 1;
  });
  effect(() => keep('dev', dev.value ? 'on' : 'off'));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => (colours.value = colours.peek() + 1));
}

function read<T extends string>(name: string, known: readonly T[], otherwise: T): T {
  try {
    const kept = localStorage.getItem(`edge-cache.${name}`);
    return known.find((value) => value === kept) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`edge-cache.${name}`, value);
  } catch {
    // Where storage is forbidden a choice lasts as long as the page.
  }
}
