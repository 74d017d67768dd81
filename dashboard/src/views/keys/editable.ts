// The part of a key that can be edited: the value of a string, or a field of a hash.
import type { Element, KeyDetail } from '../../api/types';
import { parseJsonText } from '../../lib/json-text';

export interface Editable {
  /** Null for the value of a string. */
  field: string | null;
  text: string;
  /** Of the value that was read: an edit replaces this one only. */
  hash: string;
  /** The value has to stay JSON: it is a JSON object or list, or a value of the library. */
  isJson: boolean;
}

/** Null for a value that cannot be edited: it is not text, was read in part, or the application does not allow it. */
export function editableOf(detail: KeyDetail, field: string | null): Editable | null {
  if (field === null) return editableString(detail);
  const elements = Array.isArray(detail.value) ? (detail.value as Element[]) : [];
  const named = elements.find((element) => fieldOf(element) === field);
  return named === undefined ? null : editableField(named);
}

function editableString({ valueFormat, value, raw, hash, truncated, storedAt }: KeyDetail): Editable | null {
  if (!hash || truncated) return null;
  if (valueFormat === 'text') return { field: null, text: String(value), hash, isJson: false };
  if (valueFormat !== 'json' || raw === undefined) return null;
  return { field: null, text: raw, hash, isJson: storedAt !== null || isObjectOrList(raw) };
}

function isObjectOrList(text: string): boolean {
  const kind = parseJsonText(text)?.kind;
  return kind === 'object' || kind === 'list';
}

/** The field of a hash as text; null for other elements, and for a field whose name or value is not UTF-8. */
export function editableField(element: Element): Editable | null {
  if (typeof element === 'string' || !('field' in element) || !element.hash) return null;
  const { field, value, hash } = element;
  if (typeof field !== 'string' || typeof value !== 'string') return null;
  return { field, text: value, hash, isJson: isObjectOrList(value) };
}

function fieldOf(element: Element): string | null {
  return typeof element === 'object' && 'field' in element && typeof element.field === 'string' ? element.field : null;
}
