// Moves in a list with the keyboard.

const PAGE_ROWS = 15;

/** The row that a key press leads to; null when the key does not move. */
export function rowAfterKey(key: string, from: number, count: number): number | null {
  const target = {
    ArrowDown: from + 1,
    ArrowUp: from - 1,
    PageDown: from + PAGE_ROWS,
    PageUp: from - PAGE_ROWS,
    Home: 0,
    End: count - 1,
  }[key];
  return target === undefined ? null : Math.max(0, Math.min(count - 1, target));
}
