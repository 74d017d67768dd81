// A JSON value, coloured and foldable. Long and deeply nested parts start folded.
import { useState } from 'preact/hooks';
import { formatNumber } from '../../lib/format';
import type { JsonNode } from '../../lib/json-text';

/** Parts nested deeper, or with more items, start folded. */
const MAX_OPEN_DEPTH = 2;
const MAX_OPEN_ITEMS = 50;
/** Items of an open part shown at first, and added by each click. */
const FIRST_ITEMS = 200;
const MORE_ITEMS = 1000;

interface Props<Node> {
  value: Node;
  name?: string | undefined;
  depth?: number;
  comma?: boolean;
}

type Composite = JsonNode & { kind: 'object' | 'list' };

interface Item {
  name?: string;
  value: JsonNode;
}

export function Json({ value, name, depth = 0, comma = false }: Props<JsonNode>) {
  if (value.kind === 'object' || value.kind === 'list') {
    return <CompositeLines value={value} name={name} depth={depth} comma={comma} />;
  }

  return (
    <div class="json-line">
      <FieldName name={name} />
      <span class={`j-${value.kind}`}>{scalarText(value)}</span>
      {comma && ','}
    </div>
  );
}

/** Numbers as they are stored; strings decoded, in quotes. */
function scalarText({ kind, text }: JsonNode & { text: string }): string {
  return kind === 'string' ? JSON.stringify(JSON.parse(text)) : text;
}

function CompositeLines({ value, name, depth = 0, comma = false }: Props<Composite>) {
  const items = itemsOf(value);
  const [open, setOpen] = useState(depth < MAX_OPEN_DEPTH && items.length <= MAX_OPEN_ITEMS);
  const [begin, end] = value.kind === 'list' ? ['[', ']'] : ['{', '}'];
  const closing = `${end}${comma ? ',' : ''}`;

  if (items.length === 0) {
    return (
      <div class="json-line">
        <FieldName name={name} />
        {begin + closing}
      </div>
    );
  }
  return (
    <div class="json-part">
      <div class="json-line">
        <button
          type="button"
          class="fold"
          aria-expanded={open}
          aria-label={`${name ?? 'value'}: ${value.kind} of ${formatNumber(items.length)}`}
          onClick={() => setOpen(!open)}
        >
          {open ? '▾' : '▸'}
        </button>
        <FieldName name={name} />
        {begin}
        {!open && <span class="muted"> {formatNumber(items.length)} … </span>}
        {!open && closing}
      </div>
      {open && <Items items={items} depth={depth + 1} />}
      {open && <div class="json-line">{closing}</div>}
    </div>
  );
}

function itemsOf(value: Composite): readonly Item[] {
  return value.kind === 'list' ? value.items.map((item) => ({ value: item })) : value.fields;
}

function Items({ items, depth }: { items: readonly Item[]; depth: number }) {
  const [maxItems, setMaxItems] = useState(FIRST_ITEMS);

  return (
    <div class="json-inside">
      {items.slice(0, maxItems).map((item, index) => (
        <Json key={index} {...item} depth={depth} comma={index < items.length - 1} />
      ))}
      {items.length > maxItems && (
        <button type="button" class="button quiet small" onClick={() => setMaxItems(maxItems + MORE_ITEMS)}>
          {formatNumber(items.length - maxItems)} more
        </button>
      )}
    </div>
  );
}

function FieldName({ name }: { name: string | undefined }) {
  if (name === undefined) return null;

  return (
    <>
      <span class="j-name">{JSON.stringify(name)}</span>:{' '}
    </>
  );
}
