// The elements of a collection as a table.
import { useState } from 'preact/hooks';
import type { Element, KeyDetail, Text } from '../../api/types';
import { decodeBase64, toHexLines } from '../../lib/hex';
import { parseJsonText } from '../../lib/json-text';
import { CopyButton } from '../../ui/copy-button';
import { Name } from '../../ui/name';
import { type Head, num, Table } from '../../ui/table';
import { type Editable, editableField } from './editable';
import { Json } from './json';

/** Hexadecimal lines shown of an element that is not text. */
const MAX_HEX_LINES = 4;

const HEADS: Record<string, readonly Head[]> = {
  hash: ['Field', 'Value'],
  zset: ['Member', 'Score'],
  stream: ['Id', 'Fields'],
  list: [num('#'), 'Value'],
};

export function elementsOf({ valueFormat, value }: Pick<KeyDetail, 'valueFormat' | 'value'>): readonly Element[] {
  return valueFormat === 'elements' && Array.isArray(value) ? (value as Element[]) : [];
}

interface Props {
  type: string;
  elements: readonly Element[];
  onEdit?: ((field: Editable) => void) | undefined;
}

export function Elements({ type, elements, onEdit }: Props) {
  const heads = HEADS[type] ?? ['Member'];
  // Only hashes have elements that can be edited.
  const canEdit = onEdit !== undefined && elements.some((element) => editableField(element) !== null);

  return (
    <Table label="Elements of the collection" heads={canEdit ? [...heads, 'Edit'] : heads} kind="content elements">
      {elements.map((element, index) => (
        <tr key={index}>
          {type === 'list' && <td class="num muted">{index}</td>}
          <ElementCells element={element} />
          {canEdit && (
            <td>
              <EditButton field={editableField(element)} onEdit={onEdit} />
            </td>
          )}
        </tr>
      ))}
    </Table>
  );
}

function EditButton({ field, onEdit }: { field: Editable | null; onEdit: (field: Editable) => void }) {
  if (field === null) return null;

  return (
    <button
      type="button"
      class="button quiet small"
      aria-label={`Edit ${field.field ?? ''}`}
      onClick={() => onEdit(field)}
    >
      Edit
    </button>
  );
}

function ElementCells({ element }: { element: Element }) {
  if (typeof element === 'string' || 'base64' in element) return <TextCell text={element} />;
  if ('field' in element) return <PairCells first={element.field} second={element.value} />;
  if ('member' in element) return <PairCells first={element.member} second={element.score} />;

  return (
    <>
      <td class="mono num">{element.id}</td>
      <td class="mono">
        {pairsOf(element.fields).map(([name, value], index) => (
          <div key={index}>
            <StoredText text={name} />: <StoredText text={value} />
          </div>
        ))}
      </td>
    </>
  );
}

function PairCells({ first, second }: { first: Text; second: Text }) {
  return (
    <>
      <NameCell text={first} />
      <TextCell text={second} />
    </>
  );
}

/** A field or a member, whose invisible characters are shown as in a name. */
function NameCell({ text }: { text: Text }) {
  if (typeof text !== 'string' || mayBeJson(text)) return <TextCell text={text} />;

  return (
    <td class="mono">
      <Name text={text} empty="(empty)" whole />
    </td>
  );
}

function TextCell({ text }: { text: Text }) {
  return (
    <td class="mono">
      <StoredText text={text} />
    </td>
  );
}

/** A text as it is stored. JSON can be unfolded; bytes are shown in hexadecimal. */
function StoredText({ text }: { text: Text }) {
  if (text === '') return <em>(empty)</em>;
  if (typeof text !== 'string') return <Bytes base64={text.base64} />;

  return (
    <>
      {text}
      {mayBeJson(text) && <DecodedJson text={text} />}
    </>
  );
}

function mayBeJson(text: string): boolean {
  return /^\s*[{[]/.test(text);
}

function Bytes({ base64 }: { base64: string }) {
  const lines = toHexLines(decodeBase64(base64));
  const shown = lines.slice(0, MAX_HEX_LINES).map((line) => line.hex);

  return (
    <>
      {shown.join(' ')}
      {lines.length > MAX_HEX_LINES && ' …'} <CopyButton text={base64} what="element as base64" />
    </>
  );
}

function DecodedJson({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const decoded = open ? parseJsonText(text) : null;

  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary class="muted">decoded</summary>
      {decoded === null ? open && 'This is not JSON.' : <Json value={decoded} />}
    </details>
  );
}

/** The fields of a stream's entry, which the API lists as names and values in turn. */
function pairsOf(fields: readonly Text[]): [Text, Text][] {
  const pairs: [Text, Text][] = [];
  for (let index = 0; index < fields.length; index += 2) pairs.push([fields[index] ?? '', fields[index + 1] ?? '']);
  return pairs;
}
