// What covers the page: the list of commands, or the list of keyboard shortcuts.
import { signal } from '@preact/signals';

export const overlay = signal<'' | 'commands' | 'shortcuts'>('');
