// The value of a key, by its format: JSON, text, bytes, or the elements of a collection.
import { useState } from 'preact/hooks';
import type { Element, KeyDetail } from '../../api/types';
import { formatBytes, formatNumber } from '../../lib/format';
import { decodeBase64, toHexLines } from '../../lib/hex';
import { parseJsonText } from '../../lib/json-text';
import { Empty } from '../../ui/notes';
import type { Editable } from './editable';
import { Elements } from './elements';
import { Json } from './json';

interface Props {
  detail: KeyDetail;
  /** The elements loaded so far; empty unless the key is a collection. */
  elements: readonly Element[];
  /** Edits a field of a hash. Without it, none can be edited. */
  onEdit?: (field: Editable) => void;
}

export function Value({ detail, elements, onEdit }: Props) {
  const { value, valueFormat } = detail;

  return (
    <>
      {detail.truncated && <TruncationNote detail={detail} />}
      {valueFormat === 'json' && <JsonText text={detail.raw ?? JSON.stringify(value)} />}
      {valueFormat === 'text' && <pre class="content mono text">{value === '' ? '(empty)' : String(value)}</pre>}
      {valueFormat === 'base64' && <Hex base64={(value as { base64: string }).base64} />}
      {valueFormat === 'elements' && value !== null && (
        <Elements type={detail.type} elements={elements} onEdit={onEdit} />
      )}
      {valueFormat === 'elements' && value === null && <Empty>Values of this type cannot be shown.</Empty>}
    </>
  );
}

function TruncationNote({ detail: { valueFormat, length } }: { detail: KeyDetail }) {
  return (
    <p class="note-line">
      {valueFormat === 'elements'
        ? 'Long elements are cut: at most 64 KB of each are read.'
        : `This is the beginning of the value: at most 64 KB are read, ${formatBytes(length)} are stored.`}
    </p>
  );
}

/** JSON in its decoded form or as the text that is stored. */
function JsonText({ text }: { text: string }) {
  const [asStored, setAsStored] = useState(false);
  const decoded = parseJsonText(text);

  return (
    <>
      <fieldset class="toggle">
        <legend class="hidden">Show the value</legend>
        <button type="button" aria-pressed={!asStored} onClick={() => setAsStored(false)}>
          Decoded
        </button>
        <button type="button" aria-pressed={asStored} onClick={() => setAsStored(true)}>
          As stored
        </button>
      </fieldset>
      {asStored || decoded === null ? (
        <pre class="content mono text">{text}</pre>
      ) : (
        <div class="content mono">
          <Json value={decoded} />
        </div>
      )}
    </>
  );
}

/** The stored value as text for the clipboard. */
export function textToCopy(detail: KeyDetail, elements: readonly Element[]): string {
  if (detail.raw !== undefined) return detail.raw;
  if (detail.valueFormat === 'text') return String(detail.value);
  if (detail.valueFormat === 'base64') return (detail.value as { base64: string }).base64;
  return JSON.stringify(detail.valueFormat === 'elements' ? elements : detail.value, null, 2);
}

/** Lines shown before the button for the rest. */
const FIRST_HEX_LINES = 256;

function Hex({ base64 }: { base64: string }) {
  const [maxLines, setMaxLines] = useState(FIRST_HEX_LINES);
  const lines = toHexLines(decodeBase64(base64));

  return (
    <div class="content mono hex" tabIndex={0} role="group" aria-label="The value's bytes in hexadecimal">
      <table>
        <tbody>
          {lines.slice(0, maxLines).map((line) => (
            <tr key={line.offset}>
              <th scope="row">{line.offset}</th>
              <td>{line.hex}</td>
              <td class="muted">{line.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {lines.length > maxLines && (
        <button type="button" class="button quiet small" onClick={() => setMaxLines(lines.length)}>
          {formatNumber(lines.length - maxLines)} more lines
        </button>
      )}
    </div>
  );
}
