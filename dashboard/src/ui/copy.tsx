// A button that copies, and says whether it did: browsers forbid it on pages that are neither local nor over TLS.
import { useState } from 'preact/hooks';
import { announce } from '../state/announce';

export function Copy({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<'' | 'Copied' | 'Not allowed here'>('');
  const copy = async (): Promise<void> => {
    const done = await write(text);
    setState(done ? 'Copied' : 'Not allowed here');
    announce(done ? `${what} copied` : `The browser does not allow copying on this page`);
    setTimeout(() => setState(''), 2000);
  };
  return (
    <button type="button" class="button quiet small" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      {state || 'Copy'}
    </button>
  );
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
