// TanStack's virtualizer as hooks: of a list of any length, only the visible rows are in the document.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import { type RefObject } from 'preact';
import { useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

type Options = VirtualizerOptions<HTMLElement, HTMLElement>;

export function useVirtual(count: number, rowPx: number, scroller: RefObject<HTMLElement | null>) {
  const [, redraw] = useReducer((n: number, _: undefined) => n + 1, 0);
  const options: Options = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowPx,
    overscan: 12,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(undefined),
  };

  const [virtualizer] = useState(() => new Virtualizer(options));
  virtualizer.setOptions(options);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}

/** The class of a table whose rows have a scroll bar, to which the head leaves its width. */
export function scrollClass(virtual: ReturnType<typeof useVirtual>): string {
  return virtual.getTotalSize() > (virtual.scrollRect?.height ?? 0) ? ' scrolls' : '';
}

/** Returns a function that moves the focus to the active row once it is in the document, after a key moved there. */
export function useRowFocus(scroller: RefObject<HTMLElement | null>, active: number, items: unknown): () => void {
  const requested = useRef(false);

  // A layout effect runs before the next key press, which would otherwise start from the old row.
  useLayoutEffect(() => {
    if (!requested.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (!row) return;

    requested.current = false;
    row.focus({ preventScroll: true });
  }, [active, items]);

  return () => {
    requested.current = true;
  };
}
