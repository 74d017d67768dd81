// The loaded part of the audit trail and the filter. The application returns records newest first and cannot filter them.
import { computed, signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { AuditPage, AuditRecord } from '../../api/types';

const PAGE_RECORDS = 100;
/** Records that one search reads at most before it waits for the user to continue. */
const MAX_SEARCHED = 2_000;
/** Matches after which a search stops. */
const ENOUGH_MATCHES = 50;

export const records = signal<readonly AuditRecord[]>([]);
/** Changes that were in progress when the first page was read. */
export const runningChanges = signal<readonly AuditRecord[]>([]);
export const total = signal<number | null>(null);
export const hasMore = signal(true);
export const busy = signal(false);
export const problem = signal<Problem | null>(null);
/** The storage of the trail; null until the first page is read. */
export const storage = signal<AuditPage['trail'] | null>(null);

export interface Filter {
  /** A part of the caller's name, in any case. */
  caller: string;
  /** An action and a stream; '' for all. */
  action: string;
  stream: string;
}

export const filter = signal<Filter>({ caller: '', action: '', stream: '' });

export const matchingRecords = computed(() => records.value.filter((record) => matches(record, filter.value)));

export function matches(record: AuditRecord, { caller, action, stream }: Filter): boolean {
  return (
    (action === '' || record.action === action) &&
    (stream === '' || record.stream === stream) &&
    record.who.toLowerCase().includes(caller.trim().toLowerCase())
  );
}

let cursor: string | undefined;
/** Grows when the loaded records are dropped, so that an answer to an earlier request is ignored. */
let generation = 0;

function reset(): void {
  generation += 1;
  cursor = undefined;
  records.value = [];
  runningChanges.value = [];
  total.value = null;
  hasMore.value = true;
  busy.value = false;
  problem.value = null;
}
onSignOut(reset);

export async function reload(): Promise<void> {
  reset();
  await loadMore();
}

/** Loads older records until there are enough new matches. */
export async function loadMore(): Promise<void> {
  if (busy.peek() || !hasMore.peek()) return;

  const started = generation;
  busy.value = true;
  problem.value = null;
  const enoughMatches = matchingRecords.peek().length + ENOUGH_MATCHES;
  const maxRecords = records.peek().length + MAX_SEARCHED;

  try {
    do {
      const page = await api.listAuditRecords({ limit: PAGE_RECORDS, ...(cursor ? { cursor } : {}) });
      if (started !== generation) return;
      appendPage(page);
    } while (hasMore.peek() && matchingRecords.peek().length < enoughMatches && records.peek().length < maxRecords);
  } catch (error) {
    if (started === generation) problem.value = asProblem(error);
  } finally {
    if (started === generation) busy.value = false;
  }
}

function appendPage({ entries, running, trail, pagination }: AuditPage): void {
  if (cursor === undefined) runningChanges.value = running;
  storage.value = trail;
  records.value = [...records.peek(), ...entries];

  cursor = pagination.nextCursor ?? undefined;
  hasMore.value = pagination.hasMore && cursor !== undefined;
  total.value = pagination.total;
}

/** Changes the filter, and loads older records when few of the loaded ones match. */
export async function changeFilter(changes: Partial<Filter>): Promise<void> {
  filter.value = { ...filter.peek(), ...changes };
  if (matchingRecords.peek().length < ENOUGH_MATCHES) await loadMore();
}
