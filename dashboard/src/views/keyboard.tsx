// Keyboard shortcuts of the whole page, and the dialog that lists them.
import { signedIn } from '../api/session';
import { overlay } from '../state/overlay';
import { navigate } from '../state/route';
import { Dialog } from '../ui/dialog';

/** Answers the shortcuts until the returned function is called. */
export function watchKeyboard(): () => void {
  document.addEventListener('keydown', onKeyDown);
  return () => document.removeEventListener('keydown', onKeyDown);
}

function onKeyDown(event: KeyboardEvent): void {
  if (!signedIn.peek() || event.defaultPrevented) return;
  const isOpen = document.querySelector('dialog[open]') !== null;

  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    if (!isOpen) overlay.value = 'commands';
    return;
  }
  if (isOpen || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;

  if (event.key === '/') {
    event.preventDefault();
    focusSearch();
  }
  if (event.key === '?') overlay.value = 'shortcuts';
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.matches('input:not([type="checkbox"], [type="radio"]), textarea, select')
  );
}

/** Focuses the search of the view; that of the keys when the view has none. */
export function focusSearch(): void {
  if (focusField()) return;
  navigate('keys');
  // The view appears with the next frame.
  setTimeout(focusField);
}

function focusField(): boolean {
  const field = document.querySelector<HTMLElement>('main [data-search]');
  field?.focus();
  return field !== null;
}

const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ['/', 'Search: the field of the view, or the keys'],
  ['Ctrl+K', 'Commands: views and actions'],
  ['?', 'This list'],
  ['↑ ↓ Page Home End', 'Move in a list of keys'],
  ['Enter', 'Open the key, or the folder'],
  ['Space', 'Choose the key for an action on several'],
  ['→ ←', 'Open or close a folder of the tree'],
  ['Arrow keys', 'Move in the treemap of the memory'],
  ['Esc', 'Close the key or the dialog'],
];

export function Shortcuts() {
  const close = (): void => {
    overlay.value = '';
  };

  return (
    <Dialog title="Keyboard shortcuts" onClose={close}>
      <dl class="facts shortcuts">
        {SHORTCUTS.map(([keys, action]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{action}</dd>
          </>
        ))}
      </dl>
      <div class="row end">
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
