// Names in a text field with one name per line. A name that cannot stand on a line of its own is written as JSON.

export function nameToLine(name: string): string {
  const needsQuotes = name === '' || name.startsWith('"') || /[\n\r]/.test(name);
  return needsQuotes ? JSON.stringify(name) : name;
}

/** The name on a line, exactly as typed; null when the line starts with a quote and is not a JSON string. */
export function lineToName(line: string): string | null {
  if (!line.startsWith('"')) return line;
  try {
    const name: unknown = JSON.parse(line);
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}
