import { expect, test } from 'vitest';
import { readServerEvents, type ServerEvent } from '../../src/lib/server-events';

async function read(...chunks: string[]): Promise<ServerEvent[]> {
  const events = [];
  for await (const event of readServerEvents(new Blob(chunks).stream())) events.push(event);
  return events;
}

test('an event is read across chunks, with any kind of line ending', async () => {
  const events = await read('event: prog', 'ress\r\ndata: {"a":\r\ndata: 1}\r\n\r\n: comment\n\n', 'data:x\n\n');

  expect(events).toEqual([
    { event: 'progress', data: '{"a":\n1}' },
    { event: 'message', data: 'x' },
  ]);
});

test('an event that the end of the stream cuts off is dropped', async () => {
  expect(await read('data: 1\n\ndata: 2')).toEqual([{ event: 'message', data: '1' }]);
});
