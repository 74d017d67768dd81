// The largest keys, by bytes or by elements.
import { useState } from 'preact/hooks';
import type { Analysis, LargeKey } from '../../api/types';
import { formatBytes, formatNumber } from '../../lib/format';
import { refOf } from '../../lib/key-name';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { num, Table } from '../../ui/table';

const ORDERS = { byBytes: 'By memory', byElements: 'By elements' } as const;
type Order = keyof typeof ORDERS;
const HEADS = ['Key', 'Type', num('Memory'), num('Elements')];
const FIRST_ROWS = 10;

export function Largest({ largest, isWhole }: Pick<Analysis, 'largest' | 'isWhole'>) {
  const [order, setOrder] = useState<Order>('byBytes');
  const [showsAll, setShowsAll] = useState(false);
  const keys = largest[order];
  if (largest.byBytes.length === 0 && largest.byElements.length === 0) return null;

  return (
    <section aria-label="Largest keys">
      <div class="view-head">
        <h2>Largest keys</h2>
        <div class="toggle" role="group" aria-label="Order">
          {(Object.keys(ORDERS) as Order[]).map((name) => (
            <button key={name} type="button" aria-pressed={order === name} onClick={() => setOrder(name)}>
              {ORDERS[name]}
            </button>
          ))}
        </div>
        {!isWhole && <span class="muted">Among the sampled keys; a full analysis finds all.</span>}
      </div>
      <Table label="Largest keys" heads={HEADS} kind="card">
        {keys.slice(0, showsAll ? undefined : FIRST_ROWS).map((key) => (
          <Row key={key.key} large={key} />
        ))}
      </Table>
      {keys.length > FIRST_ROWS && !showsAll && (
        <button type="button" class="button" onClick={() => setShowsAll(true)}>
          Show all {formatNumber(keys.length)}
        </button>
      )}
    </section>
  );
}

function Row({ large }: { large: LargeKey }) {
  return (
    <tr>
      <th scope="row" class="mono wrap">
        <a href={href('keys', refOf(large))}>
          <Name text={large.key} escaped={large.keyBase64 !== undefined} />
        </a>
      </th>
      <td>
        <span class={`kind ${large.type}`}>{large.type}</span>
      </td>
      <td class="num strong">{formatBytes(large.bytes)}</td>
      <td class="num">{formatNumber(large.elements)}</td>
    </tr>
  );
}
