// A button that copies a text and reports the result. Browsers forbid copying on pages that are neither local nor over TLS.
import { useState } from 'preact/hooks';
import { announce } from '../state/announce';

const RESULT_SHOWN_MS = 2000;

interface Props {
  text: string;
  what: string;
  /** The text is not all of it. */
  isPart?: boolean;
}

export function CopyButton({ text, what, isPart = false }: Props) {
  const [result, setResult] = useState<'' | 'Copied' | 'Not allowed here'>('');

  const label = isPart ? 'Copy part' : 'Copy';

  const copy = async (): Promise<void> => {
    const copied = await writeToClipboard(text);
    setResult(copied ? 'Copied' : 'Not allowed here');
    announce(
      copied ? `${isPart ? 'A part of the ' : ''}${what} copied` : 'The browser does not allow copying on this page',
    );
    setTimeout(() => setResult(''), RESULT_SHOWN_MS);
  };

  return (
    <button
      type="button"
      class="button quiet small"
      aria-label={`${label} ${isPart ? 'of the ' : ''}${what}`}
      onClick={() => void copy()}
    >
      {result || label}
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
