// Recognises parts of names that are ids, by the same rules as the analysis of the keyspace.

const NUMBER = /^\d[\d._-]*$/;
const HEXADECIMAL = /^[0-9a-f]+$/i;
const UUID = /^[0-9a-f]+(-[0-9a-f]+){4}$/i;
const LETTERS_AND_DIGITS = /^[0-9a-z]+$/i;
const RANDOM = /^(?=.*[a-z])(?=.*[A-Z])[\w-]+$/;

/** Stands for an id. */
export const ID_PLACEHOLDER = '{id}';

/** Numbers, dates and addresses, UUIDs, hexadecimal and other long random texts. Braces of a hash tag do not count. */
export function isId(part: string): boolean {
  const text = part.replace(/^\{(.*)\}$/, '$1');
  if (NUMBER.test(text)) return true;
  if (text.length < 8 || !/\d/.test(text)) return false;
  if (HEXADECIMAL.test(text) || (text.length === 36 && UUID.test(text))) return true;
  if (text.length >= 16 && LETTERS_AND_DIGITS.test(text)) return /\d.*\d/.test(text);
  return text.length >= 20 && RANDOM.test(text);
}
