// A table with a header row, which scrolls sideways so that a wide table does not widen the page.
import type { ComponentChildren } from 'preact';

/** The head of a column; that of numbers stands on the right, like them. A head with `onSort` is a button. */
export type Head = string | { num: string } | SortHead;

interface SortHead {
  sort: string;
  isNumber: boolean;
  isSorted: boolean;
  onSort: () => void;
}

interface Props {
  label: string;
  heads: readonly Head[];
  /** Classes of the element that scrolls. */
  kind?: string;
  children: ComponentChildren;
}

export function num(text: string): Head {
  return { num: text };
}

export function Table({ label, heads, kind = '', children }: Props) {
  return (
    <div class={`scroll-x ${kind}`} tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <HeadCell key={textOf(head)} head={head} />
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function textOf(head: Head): string {
  if (typeof head === 'string') return head;
  return 'num' in head ? head.num : head.sort;
}

function HeadCell({ head }: { head: Head }) {
  if (typeof head === 'string' || 'num' in head) {
    return (
      <th scope="col" class={typeof head === 'string' ? undefined : 'num'}>
        {textOf(head)}
      </th>
    );
  }

  // A name is sorted from A on, a number from the largest on.
  const direction = head.isNumber ? 'descending' : 'ascending';
  return (
    <th scope="col" class={head.isNumber ? 'num' : undefined} aria-sort={head.isSorted ? direction : 'none'}>
      <button type="button" class="sort" onClick={head.onSort}>
        {head.sort}
        <span aria-hidden="true">{head.isSorted ? (head.isNumber ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}
