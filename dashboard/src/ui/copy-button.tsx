// A button that copies a text and reports the result. Browsers forbid copying on pages that are neither local nor over TLS.
import { useState } from 'preact/hooks';
import { announce } from '../state/announce';

const RESULT_SHOWN_MS = 2000;

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [result, setResult] = useState<'' | 'Copied' | 'Not allowed here'>('');

  const copy = async (): Promise<void> => {
    const copied = await writeToClipboard(text);
    setResult(copied ? 'Copied' : 'Not allowed here');
    announce(copied ? `${what} copied` : 'The browser does not allow copying on this page');
    setTimeout(() => setResult(''), RESULT_SHOWN_MS);
  };

  return (
    <button type="button" class="button quiet small" aria-label={`Copy ${what}`} onClick={() => void copy()}>
      {result || 'Copy'}
    </button>
  );
}

async function writeToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
