// Characters that do not show in a text: white space, controls, and characters without a glyph.

/** A piece of a text. `invisible` names the character that `text` stands in for. */
export interface Segment {
  text: string;
  invisible?: string;
}

// Control characters, spaces at either end or beside another space, and characters without a glyph.
const INVISIBLE =
  /^ +| +$| {2,}|[\u0000-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\uffff\u{e0000}-\u{e007f}]/gu;
const SYMBOLS: Record<string, [symbol: string, name: string]> = {
  '\n': ['↵', 'line break'],
  '\r': ['␍', 'carriage return'],
  '\t': ['⇥', 'tab'],
  ' ': ['␣', 'space'],
};

/** Splits a text so that each invisible character is a segment of its own, shown by a symbol. */
export function splitInvisible(text: string): Segment[] {
  const segments: Segment[] = [];
  let start = 0;

  for (const match of text.matchAll(INVISIBLE)) {
    if (match.index > start) segments.push({ text: text.slice(start, match.index) });
    for (const character of match[0]) segments.push(symbolFor(character));
    start = match.index + match[0].length;
  }

  if (start < text.length) segments.push({ text: text.slice(start) });
  return segments;
}

export function hasInvisible(text: string): boolean {
  return splitInvisible(text).some(({ invisible }) => invisible !== undefined);
}

function symbolFor(character: string): Segment {
  const known = SYMBOLS[character];
  if (known) return { text: known[0], invisible: known[1] };

  const code = `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  return { text: code, invisible: code };
}
