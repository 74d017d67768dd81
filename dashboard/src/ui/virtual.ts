// TanStack's virtualizer as a hook: of a list of any length only the rows in sight are in the document.
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

/** Gives a function that moves the focus to the active row as soon as that is in the document: for keys that move. */
export function useRowFocus(scroller: RefObject<HTMLElement | null>, active: number, items: unknown): () => void {
  const wanted = useRef(false);
  // Before the next key is pressed: focus that came late would lead back.
  useLayoutEffect(() => {
    if (!wanted.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-index="${active}"]`);
    if (!row) return;
    wanted.current = false;
    row.focus({ preventScroll: true });
  }, [active, items]);
  return () => {
    wanted.current = true;
  };
}
