// Bytes in hexadecimal, 16 per line, with the printable characters beside them.

export interface HexLine {
  offset: string;
  hex: string;
  text: string;
}

const BYTES_PER_LINE = 16;

export function decodeBase64(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

export function toHexLines(bytes: Uint8Array): HexLine[] {
  const lines: HexLine[] = [];

  for (let offset = 0; offset < bytes.length; offset += BYTES_PER_LINE) {
    const line = [...bytes.subarray(offset, offset + BYTES_PER_LINE)];
    lines.push({
      offset: offset.toString(16).padStart(6, '0'),
      hex: line.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
      text: line.map(printable).join(''),
    });
  }
  return lines;
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·';
}
