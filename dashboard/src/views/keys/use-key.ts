// A hook that reads one key: page by page when it is a collection, and again on demand.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, Problem } from '../../api/problem';
import { missingRole } from '../../api/session';
import type { Element, KeyDetail } from '../../api/types';
import { idOf, isSameKey, type KeyRef } from '../../lib/key-name';
import { roleSettled } from '../../state/live';
import { elementsOf } from './elements';

export interface ReadKey {
  detail: KeyDetail | null;
  /** The time of reading in milliseconds since 1970; the TTL counts down from there. */
  readAt: number;
  elements: readonly Element[];
  problem: Problem | null;
  busy: boolean;
}

const NOTHING: ReadKey = { detail: null, readAt: 0, elements: [], problem: null, busy: false };

export function useKey(ref: KeyRef) {
  const [state, setState] = useState<ReadKey>(NOTHING);
  const [reads, setReads] = useState(0);
  const missing = missingRole('operator');
  const isWaiting = !roleSettled.value;

  useEffect(() => {
    if (isWaiting || missing !== '') return undefined;
    const abort = new AbortController();
    setState(begin);
    void readDetail(ref, abort.signal).then((next) => next && setState(next));
    return () => abort.abort();
  }, [idOf(ref), reads, missing, isWaiting]);

  const loadMore = async (): Promise<void> => {
    const cursor = state.detail?.nextCursor;
    if (!cursor || state.busy) return;
    setState(begin);
    setState(await readNextPage(ref, cursor));
  };
  return { ...state, busy: state.busy || isWaiting, missing, loadMore, reload: () => setReads(reads + 1) };
}

function begin(before: ReadKey): ReadKey {
  return { ...before, busy: true, problem: null };
}

/** Returns null when the reading was aborted. */
export async function readDetail(ref: KeyRef, abort: AbortSignal): Promise<ReadKey | null> {
  try {
    const detail = await read(ref, {}, abort);
    return { ...NOTHING, detail, readAt: Date.now(), elements: elementsOf(detail) };
  } catch (error) {
    return isAborted(error) ? null : { ...NOTHING, readAt: Date.now(), problem: asProblem(error) };
  }
}

/** Returns the change of state: the elements of the next page are added, and its cursor replaces the last one. */
export async function readNextPage(ref: KeyRef, cursor: string): Promise<(before: ReadKey) => ReadKey> {
  try {
    const { nextCursor, truncated, ...page } = await read(ref, { cursor });
    return (before) => ({
      ...before,
      busy: false,
      detail: before.detail && { ...before.detail, nextCursor, truncated: before.detail.truncated || truncated },
      elements: [...before.elements, ...elementsOf(page)],
    });
  } catch (error) {
    return (before) => ({ ...before, busy: false, problem: asProblem(error) });
  }
}

/** Reads a key, and rejects an answer about another one: a proxy may have altered the name. */
async function read(ref: KeyRef, page: { cursor?: string }, signal?: AbortSignal): Promise<KeyDetail> {
  const detail = await api.inspectKey(ref, page, signal);
  if (isSameKey(ref, detail)) return detail;

  throw new Problem(
    -1,
    `The application answered with another key (${detail.key}), whose value is not shown. A proxy may alter names.`,
  );
}
