// One key in detail: read, page by page where it is a collection, and read again on demand.
import { useEffect, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import { asProblem, isAborted, type Problem } from '../../api/problem';
import type { Element, KeyDetail } from '../../api/types';
import { roleTold } from '../../state/live';
import { lacks } from '../../state/session';

export interface ReadKey {
  detail: KeyDetail | null;
  /** When it was read; its time to live goes on from there. */
  seenAt: number;
  elements: readonly Element[];
  problem: Problem | null;
  busy: boolean;
}

const nothing: ReadKey = { detail: null, seenAt: 0, elements: [], problem: null, busy: false };

export function useKey(path: string) {
  const [state, setState] = useState<ReadKey>(nothing);
  const [again, setAgain] = useState(0);
  const mayNot = lacks('operator');
  const waits = !roleTold.value;

  useEffect(() => {
    if (waits || mayNot !== '') return undefined;
    const abort = new AbortController();
    setState((before) => ({ ...before, busy: true, problem: null }));
    api.inspect(path, {}, abort.signal).then(
      (detail) => setState({ detail, seenAt: Date.now(), elements: elementsOf(detail), problem: null, busy: false }),
      (error) => {
        if (!isAborted(error)) setState({ ...nothing, problem: asProblem(error) });
      },
    );
    return () => abort.abort();
  }, [path, again, mayNot, waits]);

  const more = async (): Promise<void> => {
    const cursor = state.detail?.nextCursor;
    if (!cursor || state.busy) return;
    setState((before) => ({ ...before, busy: true, problem: null }));
    try {
      const next = await api.inspect(path, { cursor });
      setState((before) => ({
        ...before,
        busy: false,
        detail: before.detail && {
          ...before.detail,
          nextCursor: next.nextCursor,
          truncated: before.detail.truncated || next.truncated,
        },
        elements: [...before.elements, ...elementsOf(next)],
      }));
    } catch (error) {
      setState((before) => ({ ...before, busy: false, problem: asProblem(error) }));
    }
  };
  return { ...state, busy: state.busy || waits, mayNot, more, reload: () => setAgain(again + 1) };
}

function elementsOf(detail: KeyDetail): readonly Element[] {
  return detail.valueFormat === 'elements' && Array.isArray(detail.value) ? (detail.value as Element[]) : [];
}
