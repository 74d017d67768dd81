import { expect, test } from 'vitest';
import { lineToName, nameToLine } from '../../src/lib/name-lines';

test.each(['a\nb', '"a"', '', 'a\r', ' a', 'a"b'])('the name %j survives a line of text', (name) => {
  const line = nameToLine(name);

  expect(line).toMatch(/^[^\n\r]+$/);
  expect(lineToName(line)).toBe(name);
});

test.each(['"b', '"a" b', '"a"b"'])('the line %s begins with a quote but is not JSON', (line) =>
  expect(lineToName(line)).toBeNull(),
);
