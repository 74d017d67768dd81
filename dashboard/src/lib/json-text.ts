// A JSON parser that keeps the text: all digits of a number and repeated fields, which JSON.parse loses.

export type JsonNode =
  | { kind: 'object'; fields: { name: string; value: JsonNode }[] }
  | { kind: 'list'; items: JsonNode[] }
  | { kind: 'string' | 'number' | 'boolean' | 'null'; text: string };

// White space, then a string, a number, a boolean, null or a punctuation mark.
const TOKEN = /\s*(?:("[^"\\]*(?:\\.[^"\\]*)*")|(-?\d[\d.eE+-]*)|(true|false)|(null)|([[\]{},:]))/y;
const TOKEN_KINDS = ['string', 'number', 'boolean', 'null', 'mark'] as const;

interface Token {
  kind: (typeof TOKEN_KINDS)[number];
  text: string;
}

/** Parses a text; returns null when it is not JSON. */
export function parseJsonText(text: string): JsonNode | null {
  try {
    // The parser below is lenient, so the text is validated first.
    JSON.parse(text);
    return new Parser(text).value();
  } catch {
    return null;
  }
}

class Parser {
  private position = 0;

  constructor(private readonly text: string) {}

  value(token = this.next()): JsonNode {
    if (token.text === '{') return this.object();
    if (token.text === '[') return this.list();
    if (token.kind === 'mark') throw new SyntaxError(`unexpected ${token.text}`);
    return { kind: token.kind, text: token.text };
  }

  private object(): JsonNode {
    const fields: { name: string; value: JsonNode }[] = [];

    for (let token = this.next(); token.text !== '}'; token = this.next()) {
      if (token.text === ',') continue;
      this.next();
      fields.push({ name: JSON.parse(token.text) as string, value: this.value() });
    }
    return { kind: 'object', fields };
  }

  private list(): JsonNode {
    const items: JsonNode[] = [];

    for (let token = this.next(); token.text !== ']' || token.kind !== 'mark'; token = this.next()) {
      if (token.kind !== 'mark' || token.text !== ',') items.push(this.value(token));
    }
    return { kind: 'list', items };
  }

  private next(): Token {
    TOKEN.lastIndex = this.position;
    const match = TOKEN.exec(this.text);
    if (match === null) throw new SyntaxError('not JSON');

    this.position = TOKEN.lastIndex;
    const group = match.slice(1).findIndex((part) => part !== undefined);
    return { kind: TOKEN_KINDS[group] ?? 'mark', text: match[group + 1] ?? '' };
  }
}
