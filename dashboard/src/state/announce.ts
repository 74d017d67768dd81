// Announces changes to screen readers, through the live region in the page's frame.
import { signal } from '@preact/signals';

export const announcement = signal('');

export function announce(text: string): void {
  // A live region is read only when its text changes, so a repeated text gets a trailing space.
  announcement.value = announcement.peek() === text ? `${text}\u00a0` : text;
}
