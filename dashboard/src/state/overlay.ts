// The list that is shown over the page: of commands, or of keyboard shortcuts.
import { signal } from '@preact/signals';

export const overlay = signal<'' | 'commands' | 'shortcuts'>('');
