// The primaries of a Cluster, one in each row.
import type { Node, Stats } from '../../api/types';
import { formatBytes, formatMilliseconds, formatNumber, formatPercent } from '../../lib/format';
import { Bar } from '../../ui/bar';
import { num, Table } from '../../ui/table';
import { MEMORY_WARNING_PERCENT } from './figures';

const HEADS = ['Node', num('Slots'), num('Memory'), num('Keys'), num('Hit rate'), num('PING'), 'Replicas'];

export function Nodes({ stats }: { stats: Stats }) {
  const { nodes = [], uncoveredSlots = 0 } = stats;
  if (nodes.length < 2) return null;

  const isMemoryBad = stats.alerts.some((alert) => alert.kind === 'memory');
  return (
    <section class="nodes card" aria-label="Nodes">
      <h2>Nodes</h2>
      {uncoveredSlots > 0 && <p class="error">No node serves {formatNumber(uncoveredSlots)} slots.</p>}
      <Table label="Nodes of the Cluster" heads={HEADS}>
        {nodes.map((node) => (
          <NodeRow
            key={node.address}
            node={node}
            isFullest={isMemoryBad && node.usagePercent !== null && node.usagePercent === stats.usagePercent}
          />
        ))}
      </Table>
    </section>
  );
}

function NodeRow({ node, isFullest }: { node: Node; isFullest: boolean }) {
  return (
    <tr>
      <th scope="row">{node.address}</th>
      <td class="num">{formatNumber(node.slots)}</td>
      {node.connected ? (
        <NodeFigures node={node} isFullest={isFullest} />
      ) : (
        <td class="error wrap" colSpan={HEADS.length - 2}>
          {node.error}
        </td>
      )}
    </tr>
  );
}

function NodeFigures({ node, isFullest }: { node: Node; isFullest: boolean }) {
  return (
    <>
      <td class="num">
        <NodeMemory node={node} isFullest={isFullest} />
      </td>
      <td class="num">{formatNumber(node.keys)}</td>
      <td class="num">{formatPercent(node.hitRatio)}</td>
      <td class="num">{formatMilliseconds(node.latencyMs)}</td>
      <td class={node.replicaLinkUp === false ? 'error' : ''}>{describeReplicas(node)}</td>
    </>
  );
}

function NodeMemory({ node, isFullest }: { node: Node; isFullest: boolean }) {
  const { usagePercent } = node;
  const used = formatBytes(node.memoryBytes);
  if (usagePercent === null) return <>{used}</>;

  const warning = usagePercent > MEMORY_WARNING_PERCENT ? 'warn' : 'ok';
  return (
    <>
      {used} of {formatBytes(node.maxMemoryBytes)}
      <Bar label={`Memory used by ${node.address}`} percent={usagePercent} tone={isFullest ? 'bad' : warning} />
    </>
  );
}

/** `1 of 2 linked, 3 s behind`. */
export function describeReplicas({ replicas, linkedReplicas, lagSeconds }: Node): string {
  if (replicas === null) return 'unknown';
  if (replicas === 0) return 'none';

  const lag = lagSeconds === null ? '' : `, ${formatNumber(lagSeconds)} s behind`;
  return `${formatNumber(linkedReplicas)} of ${formatNumber(replicas)} linked${lag}`;
}
