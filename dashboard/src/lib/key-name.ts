// Names of keys, which can be any bytes. The API returns a name as text, and adds `keyBase64` when the text is not the name.
import { decodeBase64 } from './hex';

/** A key as requests name it. */
export type KeyRef = { key: string } | { keyBase64: string };

/** A key as answers name it. */
export interface NamedKey {
  key: string;
  keyBase64?: string;
}

export function refOf({ key, keyBase64 }: NamedKey): KeyRef {
  return keyBase64 === undefined ? { key } : { keyBase64 };
}

/** A text that differs between any two names. */
export function idOf(ref: KeyRef): string {
  return 'key' in ref ? `=${ref.key}` : `#${ref.keyBase64}`;
}

/** The names in a list of an answer. `base64` has the names that the list shows escaped, by the text shown. */
export function namedKeys(names: readonly string[], base64: Readonly<Record<string, string>> = {}): NamedKey[] {
  return names.map((key) => {
    const keyBase64 = Object.hasOwn(base64, key) ? base64[key] : undefined;
    return keyBase64 === undefined ? { key } : { key, keyBase64 };
  });
}

function bytesOf(ref: KeyRef): Uint8Array {
  return 'key' in ref ? new TextEncoder().encode(ref.key) : decodeBase64(ref.keyBase64);
}

/** Compares the key of an answer with the requested one: a proxy may have altered the name on the way. */
export function isSameKey(requested: KeyRef, answered: NamedKey): boolean {
  if (idOf(requested) === idOf(refOf(answered))) return true;

  const one = bytesOf(requested);
  const other = bytesOf(refOf(answered));
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** A part of a name between colons. `isBytes`: it is not UTF-8, and `text` escapes its bytes as `\xNN`. */
export interface NamePart {
  text: string;
  isBytes: boolean;
}

const COLON = 0x3a;
const BACKSLASH = 0x5c;

/** Splits a name at its colons. */
export function partsOf(named: NamedKey): NamePart[] {
  if (named.keyBase64 === undefined) return named.key.split(':').map((text) => ({ text, isBytes: false }));

  const bytes = decodeBase64(named.keyBase64);
  const parts: NamePart[] = [];
  let start = 0;
  for (let index = 0; index <= bytes.length; index += 1) {
    if (index < bytes.length && bytes[index] !== COLON) continue;
    parts.push(decodePart(bytes.subarray(start, index)));
    start = index + 1;
  }
  return parts;
}

function decodePart(bytes: Uint8Array): NamePart {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), isBytes: false };
  } catch {
    return { text: [...bytes].map(escapeByte).join(''), isBytes: true };
  }
}

function escapeByte(byte: number): string {
  if (byte === BACKSLASH) return '\\\\';
  return byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}
