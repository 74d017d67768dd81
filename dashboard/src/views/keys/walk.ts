// A walk over the keys of the cache: loads pages on demand and keeps each key once.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import type { KeyRow, PageNode } from '../../api/types';
import { idOf, type KeyRef, refOf } from '../../lib/key-name';
import { isProtected, searchPattern } from '../../lib/pattern';
import { hidesOwnKeys, type KeyFilter, queryOf } from './filter';

/** A listed key, when it was read in milliseconds since 1970 (its TTL counts down from there), and its node in a Cluster. */
export type Row = KeyRow & { readAt: number; node?: string };

export type WalkState = 'idle' | 'loading' | 'ended' | 'failed';

const PAGE_KEYS = 100;
/** While all pages are loaded, views are updated in steps: the more rows, the longer sorting and layout take. */
const updateEveryMs = (rows: number): number => Math.max(300, rows / 50);

export class Walk {
  readonly state = signal<WalkState>('idle');
  readonly problem = signal<Problem | null>(null);
  /** One array that grows, because copying 100,000 rows for each page would be slow. `version` counts its changes. */
  readonly rows: Row[] = [];
  readonly version = signal(0);
  /** The number of matching keys; null when the application does not report it, which it does for `*`. */
  readonly total = signal<number | null>(null);
  /** The node of a Cluster that the last page is from; null for a single server. */
  readonly node = signal<PageNode | null>(null);
  /** The number of edge-cache's own keys that were left out. */
  readonly hidden = signal(0);
  /** Pages are being loaded until the end. */
  readonly loadsAll = signal(false);

  private readonly ids = new Set<string>();
  private readonly abort = new AbortController();
  private cursor: string | undefined;
  private updatedAt = 0;

  constructor(readonly filter: KeyFilter) {}

  get pattern(): string {
    return searchPattern(this.filter.text);
  }

  /** Loads pages until there is a page's worth of new rows, because pages of a rare pattern may be empty. */
  async loadMore(): Promise<void> {
    if (this.state.peek() === 'loading' || this.state.peek() === 'ended') return;
    this.state.value = 'loading';
    this.problem.value = null;

    const enough = this.rows.length + PAGE_KEYS;
    try {
      let hasMore = true;
      while (hasMore && (this.loadsAll.peek() || this.rows.length < enough)) hasMore = await this.loadPage();
      this.state.value = hasMore ? 'idle' : 'ended';
    } catch (error) {
      if (isAborted(error)) return;
      this.problem.value = asProblem(error);
      this.state.value = 'failed';
    } finally {
      this.loadsAll.value = false;
      this.update();
    }
  }

  /** Loads pages until the end, or until `pause`. */
  async loadAll(): Promise<void> {
    this.loadsAll.value = true;
    if (this.state.peek() !== 'loading') await this.loadMore();
  }

  pause(): void {
    this.loadsAll.value = false;
  }

  /** Ends the walk for good. */
  stop(): void {
    this.abort.abort();
  }

  /** Removes the rows of deleted keys. */
  removeRows(refs: readonly KeyRef[]): void {
    const ids = new Set(refs.map(idOf));
    const before = this.rows.length;
    const kept = this.rows.filter((row) => !ids.has(idOf(refOf(row))));

    this.rows.length = 0;
    for (const row of kept) this.rows.push(row);
    const total = this.total.peek();
    if (total !== null) this.total.value = total - (before - kept.length);
    this.update();
  }

  /** Updates the row of a key whose TTL was changed. */
  changeTtl(ref: KeyRef, ttl: number): void {
    const index = this.indexOf(ref);
    const row = this.rows[index];
    if (row === undefined) return;

    const { ttlText: _, ...rest } = row;
    this.rows[index] = { ...rest, ttl, freshFor: ttl < 0 ? null : ttl, stale: false, readAt: Date.now() };
    this.update();
  }

  private indexOf(ref: KeyRef): number {
    const id = idOf(ref);
    return this.rows.findIndex((row) => idOf(refOf(row)) === id);
  }

  /** Returns whether there are further pages. */
  private async loadPage(): Promise<boolean> {
    const { cursor } = this;
    const query = { ...queryOf(this.filter), limit: PAGE_KEYS, ...(cursor ? { cursor } : {}) };
    const { keys, pagination } = await api.listKeys(query, this.abort.signal);

    const readAt = Date.now();
    const hidesOwn = hidesOwnKeys(this.filter);
    for (const key of keys) {
      const id = idOf(refOf(key));
      if (this.ids.has(id)) continue;
      this.ids.add(id);
      if (hidesOwn && isProtected(key.key)) {
        this.hidden.value += 1;
        continue;
      }
      this.rows.push({ ...key, readAt, ...(pagination.node && { node: pagination.node.address }) });
    }

    this.cursor = pagination.nextCursor ?? undefined;
    this.node.value = pagination.node ?? null;
    if (pagination.total !== null) this.total.value = pagination.total;
    if (!this.loadsAll.peek() || readAt - this.updatedAt > updateEveryMs(this.rows.length)) this.update();
    return pagination.hasMore;
  }

  private update(): void {
    this.updatedAt = Date.now();
    this.version.value += 1;
  }
}
