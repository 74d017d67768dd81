// The audit trail as far as it is loaded, and what of it is wanted. The application gives it newest first and unfiltered.
import { computed, signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import type { AuditRecord } from '../../api/types';
import { whenSignedOut } from '../../state/session';

const PAGE = 100;
/** A filter looks through so many records before it asks whether to go on. */
const LOOKED_THROUGH = 2_000;
/** And stops when it has found so many more. */
const FOUND = 50;

export const records = signal<readonly AuditRecord[]>([]);
export const total = signal<number | null>(null);
export const hasMore = signal(true);
export const busy = signal(false);
export const problem = signal<Problem | null>(null);
export const whoFilter = signal('');
export const actionFilter = signal('');

export const wanted = computed(() =>
  records.value.filter((record) => matches(record, whoFilter.value, actionFilter.value)),
);

/** Names may be given in part, whatever their case. */
export function matches(record: AuditRecord, who: string, action: string): boolean {
  return (action === '' || record.action === action) && record.who.toLowerCase().includes(who.trim().toLowerCase());
}

let cursor: string | undefined;
let turn = 0;

function forget(): void {
  turn += 1;
  cursor = undefined;
  records.value = [];
  total.value = null;
  hasMore.value = true;
  busy.value = false;
  problem.value = null;
}
whenSignedOut(forget);

export async function reload(): Promise<void> {
  forget();
  await more();
}

/** Loads older records, until enough of them are wanted. */
export async function more(): Promise<void> {
  if (busy.peek() || !hasMore.peek()) return;
  const mine = turn;
  busy.value = true;
  problem.value = null;
  const [goal, limit] = [wanted.peek().length + FOUND, records.peek().length + LOOKED_THROUGH];
  try {
    do {
      const page = await api.audit({ limit: PAGE, ...(cursor ? { cursor } : {}) });
      if (mine !== turn) return;
      records.value = [...records.peek(), ...page.entries];
      cursor = page.pagination.nextCursor ?? undefined;
      hasMore.value = page.pagination.hasMore && cursor !== undefined;
      total.value = page.pagination.total;
    } while (hasMore.peek() && wanted.peek().length < goal && records.peek().length < limit);
  } catch (error) {
    if (mine === turn) problem.value = asProblem(error);
  } finally {
    if (mine === turn) busy.value = false;
  }
}

/** Goes on looking when a filter leaves little of what is loaded. */
export async function filter(who: string, action: string): Promise<void> {
  whoFilter.value = who;
  actionFilter.value = action;
  if (wanted.peek().length < FOUND) await more();
}
