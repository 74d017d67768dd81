// What would go, and the button that lets it go.
import { useId, useState } from 'preact/hooks';
import { plural } from '../../lib/format';
import { href } from '../../state/route';
import { Action } from '../../ui/action';
import { needed, type Preview } from './plan';
import { busy, remove, wordDemanded } from './store';

/** What has to be typed before everything goes. */
const WORD = 'everything';

export function PreviewPanel({ preview }: { preview: Preview }) {
  const [word, setWord] = useState('');
  const id = useId();
  const { plan, count } = preview;
  const takesWord = preview.everything || wordDemanded.value;
  const blocked = blocker(count, takesWord, word);
  const act = (event?: Event): void => {
    event?.preventDefault();
    if (blocked === '' && busy.value === '') void remove(plan, takesWord);
  };
  return (
    <section class="preview" aria-label="Preview">
      <h2>
        {plural(count, 'key')} would go <span class="muted">found in {preview.duration}</span>
      </h2>
      {preview.remarks.map((remark) => (
        <p key={remark} class="muted">
          {remark}
        </p>
      ))}
      {preview.sample.length > 0 && (
        <>
          <h3>{preview.sample.length < count ? `${preview.sample.length} of them` : 'These'}</h3>
          <ul class="sample mono">
            {preview.sample.map((key) => (
              <li key={key}>
                <a href={href('keys', { key })}>{key}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      <form class="confirm" onSubmit={act}>
        {takesWord && count > 0 && (
          <p>
            <label for={id}>
              Type <code>{WORD}</code> to confirm
            </label>
            <input
              id={id}
              class="mono"
              autocomplete="off"
              spellcheck={false}
              value={word}
              onInput={(event) => setWord(event.currentTarget.value)}
            />
          </p>
        )}
        <Action kind="danger" submit needs={needed(plan)} busy={busy.value === 'clear'} blocked={blocked}>
          Remove {plural(count, 'key')}
        </Action>
      </form>
    </section>
  );
}

function blocker(count: number, takesWord: boolean, word: string): string {
  if (count === 0) return 'There is nothing to remove.';
  return takesWord && word.trim() !== WORD ? `Type the word ${WORD} first.` : '';
}
