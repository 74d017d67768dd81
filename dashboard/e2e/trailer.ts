// What the library stores behind a value; crates/edge-cache/src/keyspace/trailer.rs describes the form.
export interface EntryFacts {
  storedAt: number;
  /** The next three in milliseconds. */
  freshFor: number;
  grace: number;
  loadTime: number;
  tags: readonly string[];
}

export function withTrailer(value: string, facts: EntryFacts): string {
  const bytes = [
    1,
    ...bigEndian(facts.storedAt, 6),
    ...number(facts.freshFor + 1),
    ...number(facts.grace),
    ...number(facts.loadTime),
    // The fences that its load knew: none.
    ...bigEndian(0, 4),
    ...number(0),
    ...number(0),
    ...Buffer.from(facts.tags.join('\n')),
  ];
  const checksum = bigEndian(crc24([...bytes, ...bigEndian(Buffer.byteLength(value), 8)]), 3);
  const all = [...bytes, ...checksum, ...bigEndian(bytes.length + 5, 2)];
  return value + all.map(toWhitespace).join('');
}

function bigEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** (length - 1 - index)) % 256);
}

/** 7 bits a byte, the lowest first. */
function number(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) + 0x80, ...number(Math.floor(value / 0x80))];
}

/** The CRC-24 of OpenPGP. */
function crc24(bytes: readonly number[]): number {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if (crc & 0x1000000) crc ^= 0x1864cfb;
    }
  }
  return crc;
}

function toWhitespace(byte: number): string {
  return [6, 4, 2, 0].map((shift) => ' \t\n\r'.charAt((byte >> shift) & 3)).join('');
}
