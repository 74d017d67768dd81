// A walk over the keys of the cache: pages are fetched as they are wanted, and every key is kept once.
import { signal } from '@preact/signals';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import type { KeyRow } from '../../api/types';

/** A key as the list gave it, and when: its time to live goes on from there. */
export type Row = KeyRow & { seenAt: number };

export type WalkState = 'idle' | 'loading' | 'ended' | 'failed';

const PAGE = 100;
/** While everything is loaded, what is shown follows in steps: milliseconds, more the more there is to sort and lay out. */
const showEveryMs = (rows: number): number => Math.max(300, rows / 50);

export class Walk {
  readonly state = signal<WalkState>('idle');
  readonly problem = signal<Problem | null>(null);
  /** Grows with every change of `rows`, which is one array all along: copying 100,000 rows a page would be felt. */
  readonly version = signal(0);
  /** Keys that match, where the application says; it does for `*`. */
  readonly total = signal<number | null>(null);
  /** Whether pages are fetched until the end. */
  readonly all = signal(false);
  readonly rows: Row[] = [];

  private readonly known = new Set<string>();
  private readonly abort = new AbortController();
  private cursor: string | undefined;
  private shownAt = 0;

  constructor(
    readonly pattern: string,
    readonly type: string,
  ) {}

  /** Fetches until there are at least a page's worth of new rows, or the end: pages of a rare pattern may be empty. */
  async more(): Promise<void> {
    if (this.state.peek() === 'loading' || this.state.peek() === 'ended') return;
    this.state.value = 'loading';
    this.problem.value = null;
    const goal = this.rows.length + PAGE;
    try {
      let hasMore = true;
      while (hasMore && (this.all.peek() || this.rows.length < goal)) hasMore = await this.page();
      this.state.value = hasMore ? 'idle' : 'ended';
    } catch (error) {
      if (isAborted(error)) return;
      this.problem.value = asProblem(error);
      this.state.value = 'failed';
    } finally {
      this.all.value = false;
      this.show();
    }
  }

  /** Fetches until the end, or until told to pause. */
  async everything(): Promise<void> {
    this.all.value = true;
    if (this.state.peek() !== 'loading') await this.more();
  }

  pause(): void {
    this.all.value = false;
  }

  /** Ends the walk for good. */
  stop(): void {
    this.abort.abort();
  }

  /** Takes a removed key off the list. */
  drop(path: string): void {
    const index = this.rows.findIndex((row) => row.path === path);
    if (index < 0) return;
    this.rows.splice(index, 1);
    if (this.total.peek() !== null) this.total.value = (this.total.peek() ?? 1) - 1;
    this.show();
  }

  /** Notes a changed time to live. */
  touch(path: string, ttl: number): void {
    const index = this.rows.findIndex((row) => row.path === path);
    const row = this.rows[index];
    if (row === undefined) return;
    this.rows[index] = { ...row, ttl, seenAt: Date.now() };
    this.show();
  }

  private async page(): Promise<boolean> {
    const { pattern, type, cursor } = this;
    const query = { pattern, limit: PAGE, ...(cursor ? { cursor } : {}), ...(type ? { type } : {}) };
    const { keys, pagination } = await api.keys(query, this.abort.signal);
    const seenAt = Date.now();
    for (const key of keys) {
      if (this.known.has(key.path)) continue;
      this.known.add(key.path);
      this.rows.push({ ...key, seenAt });
    }
    this.cursor = pagination.nextCursor ?? undefined;
    if (pagination.total !== null) this.total.value = pagination.total;
    if (!this.all.peek() || seenAt - this.shownAt > showEveryMs(this.rows.length)) this.show();
    return pagination.hasMore;
  }

  private show(): void {
    this.shownAt = Date.now();
    this.version.value += 1;
  }
}
