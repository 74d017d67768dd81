// The loaded part of the audit trail. The application filters it, and returns records newest first.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { AuditPage, AuditQuery, AuditRecord } from '../../api/types';

const PAGE_RECORDS = 100;
/** With a filter a page may be short: further pages are read until there are so many records, or so many pages. */
const ENOUGH_RECORDS = 50;
const MAX_PAGES = 10;

export const records = signal<readonly AuditRecord[]>([]);
/** Changes that were in progress when the first page was read. */
export const runningChanges = signal<readonly AuditRecord[]>([]);
/** The number of all records, whatever the filter. */
export const total = signal<number | null>(null);
export const hasMore = signal(true);
/** True once a page has been read. */
export const looked = signal(false);
export const busy = signal(false);
export const problem = signal<Problem | null>(null);
/** The storage of the trail; null until the first page is read. */
export const storage = signal<AuditPage['trail'] | null>(null);

let cursor: string | undefined;
let request: AuditQuery = {};
/** Grows when the loaded records are dropped, so that an answer to an earlier request is ignored. */
let generation = 0;

function reset(): void {
  generation += 1;
  cursor = undefined;
  records.value = [];
  runningChanges.value = [];
  total.value = null;
  hasMore.value = true;
  looked.value = false;
  busy.value = false;
  problem.value = null;
}
onSignOut(reset);

/** Reads the records that these filters take from the newest on. */
export async function load(filters: AuditQuery): Promise<void> {
  reset();
  request = filters;
  await loadMore();
}

/** Loads older records. */
export async function loadMore(): Promise<void> {
  if (busy.peek() || !hasMore.peek()) return;

  const started = generation;
  busy.value = true;
  problem.value = null;
  const enough = records.peek().length + ENOUGH_RECORDS;

  try {
    for (let page = 0; page < MAX_PAGES && hasMore.peek() && records.peek().length < enough; page += 1) {
      const answer = await api.listAuditRecords({ ...request, limit: PAGE_RECORDS, ...(cursor ? { cursor } : {}) });
      if (started !== generation) return;
      appendPage(answer);
    }
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
  looked.value = true;
  total.value = pagination.total;
}
