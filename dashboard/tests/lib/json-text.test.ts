import { expect, test } from 'vitest';
import { parseJsonText } from '../../src/lib/json-text';

test('numbers keep their digits, and repeated fields are all kept', () => {
  const node = parseJsonText('{"a":12345678901234567890123, "a":1.10}');

  expect(node).toEqual({
    kind: 'object',
    fields: [
      { name: 'a', value: { kind: 'number', text: '12345678901234567890123' } },
      { name: 'a', value: { kind: 'number', text: '1.10' } },
    ],
  });
});

test('lists and objects are parsed, with strings as they are written', () => {
  const node = parseJsonText('[true, null, "x\\n]", {}]');

  expect(node).toEqual({
    kind: 'list',
    items: [
      { kind: 'boolean', text: 'true' },
      { kind: 'null', text: 'null' },
      { kind: 'string', text: '"x\\n]"' },
      { kind: 'object', fields: [] },
    ],
  });
});

test.each(['{"a":1', 'text'])('%s is not JSON', (text) => expect(parseJsonText(text)).toBeNull());

test('a string of 500,000 characters is parsed', () => {
  expect(parseJsonText(`["${'x'.repeat(500_000)}"]`)?.kind).toBe('list');
});
