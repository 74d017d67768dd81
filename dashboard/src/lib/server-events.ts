// Reads server-sent events from a `fetch` response: the browser's own EventSource cannot send a token.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Yields each event when it is complete. An event that the end of the stream cuts off is dropped. */
export async function* readServerEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let buffer = '';

  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;

      const blocks = (buffer + value).replace(/\r\n?/g, '\n').split('\n\n');
      buffer = blocks.pop() ?? '';

      for (const block of blocks) {
        const event = parseBlock(block);
        if (event.data !== '') yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parseBlock(block: string): ServerEvent {
  const data: string[] = [];
  let event = 'message';

  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = line.match(/^(\w*): ?(.*)$/) ?? [];
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return { event, data: data.join('\n') };
}
