// The progress of a walk: the number of loaded keys, the node of a Cluster, and whether keys are missing after a failure.
import type { PageNode } from '../../api/types';
import { formatCount, formatNumber } from '../../lib/format';
import type { WalkState } from './walk';

export interface WalkProgress {
  count: number;
  /** Null when it is not known. */
  total: number | null;
  state: WalkState;
  node: PageNode | null;
  /** Keys of edge-cache itself that are not listed. */
  hidden: number;
}

/** `100 of 2,000, up to node 1 of 3`. */
export function describeProgress({ count, total, state, node, hidden }: WalkProgress): string {
  if (state === 'ended') {
    const nodes = node === null ? '' : ` of ${formatCount(node.of, 'node')}`;
    return `All ${formatCount(count, 'key')}${nodes}`;
  }

  const loaded =
    total === null ? `${formatNumber(count)} loaded, there may be more` : describePart(count, total - hidden);
  return `${loaded}${describeNode(state, node)}`;
}

function describePart(count: number, total: number): string {
  return `${formatNumber(count)} of ${formatNumber(Math.max(count, total))}`;
}

/** Says that keys are missing after a failure; on a Cluster, after which node. */
function describeNode(state: WalkState, node: PageNode | null): string {
  const place = node === null ? '' : `node ${node.number} of ${node.of}`;
  if (state === 'failed') return `, incomplete${place && `: the last page is from ${place} (${node?.address})`}`;
  return place && `, up to ${place}`;
}
