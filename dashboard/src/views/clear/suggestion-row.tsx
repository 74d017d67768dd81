// A row of patterns or tags that continue the typed text. A click takes one.
import { useEffect } from 'preact/hooks';
import { Name } from '../../ui/name';
import { loadSuggestions, suggestionsFor } from './suggestions';

interface Props {
  kind: 'pattern' | 'tags';
  text: string;
  onTake: (text: string) => void;
}

export function SuggestionRow({ kind, text, onTake }: Props) {
  useEffect(() => void loadSuggestions(), []);
  // Tags stand on lines: the last one is being typed.
  const start = kind === 'tags' ? text.lastIndexOf('\n') + 1 : 0;
  const taken = kind === 'tags' ? text.slice(0, start).split('\n') : [];
  const found = suggestionsFor(kind, text.slice(start)).filter((name) => !taken.includes(name));
  if (found.length === 0) return null;

  return (
    <div class="row suggestions" role="group" aria-label={kind === 'tags' ? 'Tags in use' : 'Prefixes in use'}>
      {found.map((name) => (
        <button
          key={name}
          type="button"
          class="button quiet small mono"
          onClick={() => onTake(text.slice(0, start) + name)}
        >
          <Name text={name} />
        </button>
      ))}
    </div>
  );
}
