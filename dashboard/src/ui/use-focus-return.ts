// Returns the focus to where it was before a part of the page appeared, when that part goes away with the focus in it.
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';

export function useFocusReturn(part: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const element = part.current;
    const before = document.activeElement;

    return () => {
      const focused = document.activeElement;
      const isLost = focused === null || focused === document.body || element?.contains(focused) === true;
      if (isLost && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
}

/** Moves the focus to the view, when the element that has it is about to be replaced. */
export function focusView(): void {
  document.getElementById('main')?.focus();
}
