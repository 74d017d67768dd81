// Finding a text by parts of its words.

/** True when each typed word occurs in the text, in any order and any case. */
export function matchesWords(text: string, typed: string): boolean {
  const lower = text.toLowerCase();
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}
