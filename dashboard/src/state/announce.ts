// What a screen reader is told of changes that happen elsewhere than where its user is.
import { signal } from '@preact/signals';

export const announcement = signal('');

export function announce(text: string): void {
  // The same words twice are two announcements: a live region speaks only when its text changes.
  announcement.value = announcement.peek() === text ? `${text}\u00a0` : text;
}
