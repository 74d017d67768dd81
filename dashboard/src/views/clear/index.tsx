// Clearing: select keys, look at the preview, then mark them stale or delete them.
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { nameToLine } from '../../lib/name-lines';
import { keepInHistory, keptInHistory, navigate, route } from '../../state/route';
import { Action } from '../../ui/action';
import { Failure } from '../../ui/notes';
import { JobPanel } from '../jobs/panel';
import { SelectionForm } from './form';
import { PreviewPanel } from './preview';
import { Removals, StartedJobs } from './results';
import { type Selection, type Selector, SELECTORS } from './selection';
import { busy, countByJob, counting, currentPreview, keepPreviewOf, problem, showCount, showPreview } from './store';

const LABELS: Record<Selector, string> = { pattern: 'Pattern', keys: 'Keys', tags: 'Tags', everything: 'Everything' };

/** The pause after the last key press before the form is kept: browsers limit how often that is possible. */
const KEEP_AFTER_MS = 400;

export function Clear() {
  const [selection, setSelection] = useState<Selection>(selectionToStart);
  // Layout effects run before the next key press, which a later change of the state would undo.
  useLayoutEffect(() => setSelection(selectionToStart()), [route.value]);
  useLayoutEffect(() => keepPreviewOf(selection), [selection.by, selection.text]);
  useKeptForm(selection);

  const show = (selected: Selection): void => {
    setSelection(selected);
    keepInHistory(selected);
    void showPreview(selected);
  };

  const { value: preview } = currentPreview;
  return (
    <div class="clear">
      <div class="view-head">
        <h1>Clear</h1>
        <span class="muted">Preview first; nothing is deleted until you confirm.</span>
      </div>
      <div class="card">
        <SelectorChoice chosen={selection.by} />
        <SelectionForm
          selection={selection}
          onText={(text) => setSelection({ ...selection, text })}
          onPreview={() => show(selection)}
        />
        {problem.value && (
          <Failure
            problem={problem.value}
            action={preview ? 'Clearing' : 'The preview'}
            retry={problem.value.kind === 'count-changed' ? () => show(selection) : undefined}
          />
        )}
        {problem.value?.needsJob && !preview && <CountOffer selection={selection} />}
        {counting.value && <JobPanel id={counting.value.id} onDone={(job) => void showCount(job)} />}
        {preview && (
          <PreviewPanel
            key={preview.selection.text}
            preview={preview}
            onPattern={(text) => show({ by: 'pattern', text })}
          />
        )}
      </div>
      <StartedJobs />
      <Removals />
    </div>
  );
}

/** Offered where the keys are too many for a preview in one request. */
function CountOffer({ selection }: { selection: Selection }) {
  return (
    <p class="row">
      <Action needs="operator" busy={busy.value === 'preview'} onAct={() => void countByJob(selection)}>
        Count the keys as a job
      </Action>
      <span class="muted">It takes as long as it needs, and deletes nothing.</span>
    </p>
  );
}

/** Keeps the filled form with its entry of the browser's history, so that the way back leads to it. */
function useKeptForm(selection: Selection): void {
  useEffect(() => {
    const timer = setTimeout(() => keepInHistory(selection), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [selection.by, selection.text]);
}

/** The form as it was left; otherwise the selection that the address names. */
function selectionToStart(): Selection {
  const left = keptInHistory() as Partial<Selection> | null;
  const by = SELECTORS.find((selector) => selector === left?.by);
  return by !== undefined && typeof left?.text === 'string' ? { by, text: left.text } : selectionInAddress();
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
