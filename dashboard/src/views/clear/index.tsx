// Removing keys: select them, look at the preview, then remove.
import { useLayoutEffect, useState } from 'preact/hooks';
import { formatCount, formatTime } from '../../lib/format';
import { nameToLine } from '../../lib/name-lines';
import { navigate, route } from '../../state/route';
import { Failure } from '../../ui/notes';
import { SelectionForm } from './form';
import { PreviewPanel } from './preview';
import { type Selection, type Selector, SELECTORS } from './selection';
import { currentPreview, dropPreview, problem, removals } from './store';
import { SelectionSummary } from './summary';

const LABELS: Record<Selector, string> = { pattern: 'Pattern', keys: 'Keys', tags: 'Tags', everything: 'Everything' };

export function Clear() {
  const [selection, setSelection] = useState<Selection>(selectionInAddress);
  // Layout effects run before the next key press, which a later change of the state would undo.
  useLayoutEffect(() => setSelection(selectionInAddress()), [route.value]);
  useLayoutEffect(dropPreview, [selection.by, selection.text]);

  const { value: preview } = currentPreview;
  return (
    <div class="clear">
      <div class="view-head">
        <h1>Clear</h1>
        <span class="muted">A preview shows the keys before anything is removed.</span>
      </div>
      <div class="card">
        <SelectorChoice chosen={selection.by} />
        <SelectionForm selection={selection} onText={(text) => setSelection({ ...selection, text })} />
        {problem.value && <Failure problem={problem.value} action={preview ? 'Clearing' : 'The preview'} />}
        {preview && <PreviewPanel preview={preview} />}
      </div>
      <Removals />
    </div>
  );
}

/** The selection that a link into this view carries. */
function selectionInAddress(): Selection {
  const { query } = route.value;
  const by = SELECTORS.find((selector) => selector === query.get('by')) ?? 'pattern';
  const values = query.getAll(by);
  return { by, text: by === 'pattern' ? (values[0] ?? '') : values.map(nameToLine).join('\n') };
}

function SelectorChoice({ chosen }: { chosen: Selector }) {
  return (
    <fieldset class="selectors">
      <legend>What to clear</legend>
      {SELECTORS.map((by) => (
        <label key={by}>
          <input type="radio" name="by" checked={chosen === by} onChange={() => navigate('clear', { by }, true)} />
          {LABELS[by]}
        </label>
      ))}
    </fieldset>
  );
}

function Removals() {
  if (removals.value.length === 0) return null;

  return (
    <section aria-label="Removals since this page was opened">
      <h2>Removals</h2>
      <ul class="removals">
        {removals.value.map(({ at, deleted, duration, selection, warnings }) => (
          <li key={at.getTime()}>
            <span class="muted num">{formatTime(at)}</span> <strong>{formatCount(deleted, 'key')} removed</strong> in{' '}
            {duration} · <SelectionSummary selection={selection} />
            {warnings.map((warning) => (
              <p key={warning} class="error">
                {warning}
              </p>
            ))}
          </li>
        ))}
      </ul>
    </section>
  );
}
