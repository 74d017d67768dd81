// A table with a header row, which scrolls sideways so that a wide table does not widen the page.
import type { ComponentChildren } from 'preact';

interface Props {
  label: string;
  heads: readonly string[];
  /** Classes of the element that scrolls. */
  kind?: string;
  children: ComponentChildren;
}

export function Table({ label, heads, kind = '', children }: Props) {
  const headCells = heads.map((head) => (
    <th key={head} scope="col">
      {head}
    </th>
  ));

  return (
    <div class={`scroll-x ${kind}`} tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>{headCells}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
