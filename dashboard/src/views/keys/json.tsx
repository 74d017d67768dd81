// A JSON value, folded and coloured. What is deep or long starts folded.
import { useState } from 'preact/hooks';
import { number } from '../../lib/format';

const OPEN_DEPTH = 2;
const OPEN_ITEMS = 50;
/** Items shown at first of a long list or object. */
const STEP = 200;

interface Props {
  value: unknown;
  name?: string;
  depth?: number;
  comma?: boolean;
}

export function Json({ value, name, depth = 0, comma = false }: Props) {
  if (typeof value !== 'object' || value === null) {
    return (
      <div class="json-line">
        <Name name={name} />
        <Scalar value={value} />
        {comma && ','}
      </div>
    );
  }
  return <Composite value={value} name={name} depth={depth} comma={comma} />;
}

function Composite({
  value,
  name,
  depth,
  comma,
}: {
  value: object;
  name: string | undefined;
  depth: number;
  comma: boolean;
}) {
  const isList = Array.isArray(value);
  const items = Object.entries(value);
  const [open, setOpen] = useState(depth < OPEN_DEPTH && items.length <= OPEN_ITEMS);
  const [most, setMost] = useState(STEP);
  const [begin, end] = isList ? ['[', ']'] : ['{', '}'];
  const what = `${isList ? 'list' : 'object'} of ${number(items.length)}`;
  if (items.length === 0) {
    return (
      <div class="json-line">
        <Name name={name} />
        {begin + end}
        {comma && ','}
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
          aria-label={`${name ?? 'value'}: ${what}`}
          onClick={() => setOpen(!open)}
        >
          {open ? '▾' : '▸'}
        </button>
        <Name name={name} />
        {begin}
        {!open && <span class="muted"> {number(items.length)} … </span>}
        {!open && end}
        {!open && comma && ','}
      </div>
      {open && (
        <div class="json-inside">
          {items.slice(0, most).map(([key, item], index) => (
            <Json
              key={key}
              value={item}
              depth={depth + 1}
              comma={index < items.length - 1}
              {...(isList ? {} : { name: key })}
            />
          ))}
          {items.length > most && (
            <button type="button" class="button quiet small" onClick={() => setMost(most + STEP * 5)}>
              {number(items.length - most)} more
            </button>
          )}
        </div>
      )}
      {open && (
        <div class="json-line">
          {end}
          {comma && ','}
        </div>
      )}
    </div>
  );
}

function Name({ name }: { name: string | undefined }) {
  return name === undefined ? null : (
    <>
      <span class="j-name">{JSON.stringify(name)}</span>:{' '}
    </>
  );
}

function Scalar({ value }: { value: unknown }) {
  const kind = value === null ? 'null' : typeof value;
  return <span class={`j-${kind}`}>{JSON.stringify(value)}</span>;
}
