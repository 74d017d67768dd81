// The value of a key, by the form it has: JSON, text, bytes, or a collection a page at a time.
import { useState } from 'preact/hooks';
import type { Element, KeyDetail, Text } from '../../api/types';
import { bytes, number } from '../../lib/format';
import { decodeBase64, hexLines } from '../../lib/hex';
import { Copy } from '../../ui/copy';
import { Empty } from '../../ui/notes';
import { Table } from '../../ui/table';
import { Json } from './json';

export function Value({ detail, elements }: { detail: KeyDetail; elements: readonly Element[] }) {
  return (
    <>
      {detail.truncated && (
        <p class="note-line">
          {detail.valueFormat === 'elements' ? 'Long elements are cut: ' : 'This is the beginning of the value: '}
          at most 64 KB are read. {detail.valueFormat !== 'elements' && `${bytes(detail.length)} are stored.`}
        </p>
      )}
      <Shown detail={detail} elements={elements} />
    </>
  );
}

function Shown({ detail, elements }: { detail: KeyDetail; elements: readonly Element[] }) {
  const { value, valueFormat } = detail;
  switch (valueFormat) {
    case 'json':
      return (
        <div class="content mono">
          <Json value={value} />
        </div>
      );
    case 'text':
      return <pre class="content mono text">{value === '' ? '(empty)' : String(value)}</pre>;
    case 'base64':
      return <Hex base64={(value as { base64: string }).base64} />;
    case 'elements':
      return elements.length === 0 && value === null ? (
        <Empty>The value of this type of key cannot be shown.</Empty>
      ) : (
        <Elements type={detail.type} elements={elements} />
      );
  }
}

/** The value as text to copy. */
export function copyable(detail: KeyDetail, elements: readonly Element[]): string {
  if (detail.valueFormat === 'text') return String(detail.value);
  if (detail.valueFormat === 'base64') return (detail.value as { base64: string }).base64;
  return JSON.stringify(detail.valueFormat === 'elements' ? elements : detail.value, null, 2);
}

const HEX_LINES = 256;

function Hex({ base64 }: { base64: string }) {
  const [most, setMost] = useState(HEX_LINES);
  const all = hexLines(decodeBase64(base64));
  return (
    <div class="content mono hex" tabIndex={0} role="group" aria-label="The value's bytes in hexadecimal">
      <table>
        <tbody>
          {all.slice(0, most).map((line) => (
            <tr key={line.offset}>
              <th scope="row">{line.offset}</th>
              <td>{line.hex}</td>
              <td class="muted">{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > most && (
        <button type="button" class="button quiet small" onClick={() => setMost(all.length)}>
          {number(all.length - most)} more lines
        </button>
      )}
    </div>
  );
}

const HEADS: Record<string, readonly string[]> = {
  hash: ['Field', 'Value'],
  zset: ['Member', 'Score'],
  stream: ['Id', 'Fields'],
  list: ['#', 'Value'],
};

function Elements({ type, elements }: { type: string; elements: readonly Element[] }) {
  const heads = HEADS[type] ?? ['Member'];
  return (
    <Table label="Elements of the collection" heads={heads} kind="content elements">
      {elements.map((element, index) => (
        <tr key={index}>{cells(type, element, index)}</tr>
      ))}
    </Table>
  );
}

function cells(type: string, element: Element, index: number) {
  if (typeof element === 'string' || 'base64' in element) {
    return (
      <>
        {type === 'list' && <td class="num muted">{index}</td>}
        <Cell text={element} />
      </>
    );
  }
  if ('field' in element) return [<Cell key="f" text={element.field} />, <Cell key="v" text={element.value} />];
  if ('member' in element) return [<Cell key="m" text={element.member} />, <Cell key="s" text={element.score} />];
  return [
    <td key="i" class="mono num">
      {element.id}
    </td>,
    <td key="f" class="mono">
      {streamFields(element.fields)}
    </td>,
  ];
}

function Cell({ text }: { text: Text }) {
  if (typeof text === 'string') return <td class="mono">{text === '' ? <em>(empty)</em> : text}</td>;
  const lines = hexLines(decodeBase64(text.base64));
  return (
    <td class="mono">
      {lines
        .slice(0, 4)
        .map((line) => line.hex)
        .join(' ')}
      {lines.length > 4 && ' …'} <Copy text={text.base64} what="element as base64" />
    </td>
  );
}

function streamFields(fields: string | readonly string[]): string {
  if (typeof fields === 'string') return fields;
  const pairs: string[] = [];
  for (let at = 0; at < fields.length; at += 2) pairs.push(`${fields[at]}: ${fields[at + 1] ?? ''}`);
  return pairs.join('\n');
}
