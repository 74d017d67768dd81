// Server-sent events out of a `fetch`: the browser's own EventSource cannot send a token.

export interface ServerEvent {
  event: string;
  data: string;
}

/** Yields each event of the stream as it is complete. */
export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).replace(/\r\n?/g, '\n').split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parse(block);
        if (event.data !== '') yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): ServerEvent {
  const found: ServerEvent = { event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field = '', value = ''] = line.match(/^(\w*): ?(.*)$/) ?? [];
    if (field === 'event') found.event = value;
    if (field === 'data') data.push(value);
  }
  return { ...found, data: data.join('\n') };
}
