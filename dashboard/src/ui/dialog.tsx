// A modal dialog. The browser's own <dialog> keeps the focus inside and closes on Escape.
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  title: string;
  onClose: () => void;
  kind?: 'wide';
  children: ComponentChildren;
}

export function Dialog({ title, onClose, kind, children }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();

  useLayoutEffect(() => {
    const dialog = ref.current;
    const focusedBefore = document.activeElement;
    dialog?.showModal();

    return () => {
      dialog?.close();
      // The browser would not restore the focus, because the dialog is removed at once.
      if (focusedBefore instanceof HTMLElement) focusedBefore.focus();
    };
  }, []);

  return (
    <dialog ref={ref} class={`dialog${kind === undefined ? '' : ` ${kind}`}`} aria-labelledby={id} onCancel={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}
