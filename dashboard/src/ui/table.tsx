// A table with a head row, in a place of its own that scrolls: a wide one must not widen the page.
import type { ComponentChildren } from 'preact';

interface Props {
  label: string;
  heads: readonly string[];
  /** Classes of the place around the table. */
  kind?: string;
  children: ComponentChildren;
}

export function Table({ label, heads, kind = '', children }: Props) {
  return (
    <div class={`scroll-x ${kind}`} tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
