// The loaded part of the slow log, newest first, and its groups.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, type Problem } from '../../api/problem';
import { onSignOut } from '../../api/session';
import type { SlowEntry, SlowGroup, SlowlogPage } from '../../api/types';

const PAGE_ENTRIES = 50;

/** Null until the first page is read. */
export const entries = signal<readonly SlowEntry[] | null>(null);
export const groups = signal<readonly SlowGroup[]>([]);
export const nodes = signal<SlowlogPage['nodes']>([]);
export const notKept = signal<string | null>(null);
export const total = signal(0);
export const hasMore = signal(false);
export const busy = signal(false);
export const problem = signal<Problem | null>(null);

let cursor: string | null = null;

onSignOut(() => {
  entries.value = null;
  groups.value = [];
  nodes.value = [];
  notKept.value = null;
  hasMore.value = false;
  problem.value = null;
});

/** Reads the first page. What is shown stays until it has been read. */
export function reload(): Promise<void> {
  return read(null);
}

export function loadMore(): Promise<void> {
  return read(cursor);
}

async function read(from: string | null): Promise<void> {
  if (busy.peek()) return;
  busy.value = true;

  try {
    apply(await api.listSlowCommands({ limit: PAGE_ENTRIES, ...(from !== null && { cursor: from }) }), from === null);
    problem.value = null;
  } catch (error) {
    problem.value = asProblem(error);
  } finally {
    busy.value = false;
  }
}

function apply(page: SlowlogPage, isFirst: boolean): void {
  entries.value = isFirst ? page.entries : [...(entries.peek() ?? []), ...page.entries];
  // Only the first page has groups.
  if (isFirst) groups.value = page.groups;
  nodes.value = page.nodes;
  notKept.value = page.notKept;
  total.value = page.pagination.total;
  cursor = page.pagination.nextCursor;
  hasMore.value = page.pagination.hasMore;
}
