// Edits of values that can still be undone.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { onSignOut } from '../../api/session';
import { idOf, type KeyRef } from '../../lib/key-name';
import { announce } from '../../state/announce';

export interface Undo {
  operationId: string;
  /** Milliseconds since 1970. */
  until: number;
}

/** The last edit of each key that was edited here, by the id of its name. */
export const undos = signal<ReadonlyMap<string, Undo>>(new Map());
onSignOut(() => (undos.value = new Map()));

/** Replaces a value, or a field of a hash, if it still has this hash. */
export async function edit(ref: KeyRef, value: string, hash: string, field: string | null): Promise<void> {
  const edited = await api.editKey(ref, { value, if: hash, ...(field !== null && { field }) });
  keepUndo(ref, edited);
  announce('The value was replaced');
}

export async function undo(ref: KeyRef, { operationId }: Undo): Promise<void> {
  await api.undoEdit(operationId);
  keepUndo(ref, null);
  announce('The former value was restored');
}

function keepUndo(ref: KeyRef, edited: api.Edit | null): void {
  const next = new Map(undos.peek());
  if (edited?.operationId === undefined || edited.undoUntil === null) next.delete(idOf(ref));
  else next.set(idOf(ref), { operationId: edited.operationId, until: Date.parse(edited.undoUntil) });
  undos.value = next;
}
