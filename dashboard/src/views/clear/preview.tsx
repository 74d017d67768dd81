// The preview of a removal, with the button that carries it out.
import { useId, useState } from 'preact/hooks';
import { formatCount } from '../../lib/format';
import { refOf } from '../../lib/key-name';
import { href } from '../../state/route';
import { Action } from '../../ui/action';
import { Name } from '../../ui/name';
import { Names } from '../../ui/names';
import { CONFIRM_WORDS, type Preview, SAMPLE_KEYS } from './removal';
import { busy, confirmationDemanded, removeSelected } from './store';

export function PreviewPanel({ preview }: { preview: Preview }) {
  return (
    <section class="preview" aria-label="Preview">
      <h2>
        {formatCount(preview.count, 'key')} would be removed <span class="muted">found in {preview.duration}</span>
      </h2>
      {preview.missing.length > 0 && (
        <p class="muted">
          Not in the cache: <Names names={preview.missing} max={SAMPLE_KEYS} />
        </p>
      )}
      {preview.tagCounts.map(([tag, keys]) => (
        <p key={tag} class="muted">
          <Name text={tag} whole />: {formatCount(keys, 'key')}
        </p>
      ))}
      {preview.remarks.map((remark) => (
        <p key={remark} class="muted">
          {remark}
        </p>
      ))}
      {preview.sample.length > 0 && <Sample preview={preview} />}
      <ConfirmForm preview={preview} />
    </section>
  );
}

function Sample({ preview: { sample, count } }: { preview: Preview }) {
  return (
    <>
      <h3>{sample.length < count ? `${sample.length} of them` : 'All of them'}</h3>
      <ul class="sample mono">
        {sample.map((named) => (
          <li key={named.key}>
            <a href={href('keys', refOf(named))}>
              <Name text={named.key} escaped={named.keyBase64 !== undefined} />
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}

function ConfirmForm({ preview }: { preview: Preview }) {
  const [typed, setTyped] = useState('');
  const { selection, count } = preview;
  const word = preview.confirmWord || (confirmationDemanded.value ? CONFIRM_WORDS.largeShare : '');
  const blocked = blockedReason(count, word, typed);

  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked === '' && busy.value === '') void removeSelected(selection, word !== '');
  };

  return (
    <form class="confirm" onSubmit={submit}>
      {preview.confirmReason !== '' && <p>{preview.confirmReason}</p>}
      {word !== '' && count > 0 && <ConfirmField word={word} typed={typed} onType={setTyped} />}
      <Action kind="danger" submit needs={preview.role} busy={busy.value === 'clear'} blocked={blocked}>
        Remove {formatCount(count, 'key')}
      </Action>
    </form>
  );
}

function blockedReason(count: number, word: string, typed: string): string {
  if (count === 0) return 'There is nothing to remove.';
  return word !== '' && typed.trim() !== word ? `Type the word ${word} first.` : '';
}

function ConfirmField({ word, typed, onType }: { word: string; typed: string; onType: (text: string) => void }) {
  const id = useId();

  return (
    <p>
      <label for={id}>
        Type <code>{word}</code> to confirm
      </label>
      <input
        id={id}
        class="mono"
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </p>
  );
}
