// Removing keys: say which, look at what would go, then remove.
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import { Action } from '../../ui/action';
import { Trouble } from '../../ui/notes';
import { clock, plural } from '../../lib/format';
import { go, route } from '../../state/route';
import { type By, incomplete, needed, type Plan, type Result, WAYS } from './plan';
import { PreviewPanel } from './preview';
import { busy, forgetPreview, look, problem, results, shown } from './store';

const LABELS: Record<By, string> = { pattern: 'Pattern', keys: 'Keys', tags: 'Tags', everything: 'Everything' };
export function Clear() {
  const [plan, setPlan] = useState<Plan>(asked);
  // At once, before another key is pressed: later they would undo what that key did.
  useLayoutEffect(() => setPlan(asked()), [route.value]);
  useLayoutEffect(forgetPreview, [plan.by, plan.text]);
  const choose = (by: By): void => go('clear', { by }, true);
  return (
    <div class="clear">
      <div class="view-head">
        <h1>Clear</h1>
        <span class="muted">Nothing is removed before you have seen what would go.</span>
      </div>
      <div class="card">
        <fieldset class="ways">
          <legend>What to clear</legend>
          {WAYS.map((by) => (
            <label key={by}>
              <input type="radio" name="by" checked={plan.by === by} onChange={() => choose(by)} />
              {LABELS[by]}
            </label>
          ))}
        </fieldset>
        <PlanForm plan={plan} onText={(text) => setPlan({ ...plan, text })} />
        {problem.value && <Trouble problem={problem.value} what={shown.value ? 'Clearing' : 'The preview'} />}
        {shown.value && <PreviewPanel preview={shown.value} />}
      </div>
      <Results results={results.value} />
    </div>
  );
}

function asked(): Plan {
  const { query } = route.value;
  const by = WAYS.find((way) => way === query.get('by')) ?? 'pattern';
  return { by, text: query.getAll(by).join('\n') };
}

function PlanForm({ plan, onText }: { plan: Plan; onText: (text: string) => void }) {
  const submit = (event: Event): void => {
    event.preventDefault();
    if (incomplete(plan) === '') void look(plan);
  };
  return (
    <form onSubmit={submit}>
      <PlanField plan={plan} onText={onText} />
      <Action kind="primary" submit needs={needed(plan)} busy={busy.value === 'preview'} blocked={incomplete(plan)}>
        Preview
      </Action>
    </form>
  );
}

const FIELDS: Record<Exclude<By, 'everything'>, { label: string; hint: string; example: string }> = {
  pattern: {
    label: 'Redis pattern',
    hint: '* any text, ? one character, [ab] one of these, \\ before a character meant literally. cache:* and lock:* stay unless the pattern starts so.',
    example: 'users:*',
  },
  keys: { label: 'Keys, one on a line', hint: 'Up to 1,000. Exactly these, no patterns.', example: 'users:1:profile' },
  tags: {
    label: 'Tags, one on a line',
    hint: 'Up to 100. Every key that was stored with one of them goes.',
    example: 'user-data',
  },
};

function PlanField({ plan, onText }: { plan: Plan; onText: (text: string) => void }) {
  const id = useId();
  if (plan.by === 'everything') {
    return (
      <p>
        Every key of the cache goes at once, and services load everything again. The audit trail, the TTL table and a
        running warmup's lock stay. Consider a pattern first.
      </p>
    );
  }
  const { label, hint, example } = FIELDS[plan.by];
  const shared = {
    id,
    class: 'mono wide',
    placeholder: example,
    spellcheck: false,
    autocomplete: 'off',
    value: plan.text,
    'aria-describedby': `${id}-hint`,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {plan.by === 'pattern' ? (
        <input {...shared} type="text" onInput={(event) => onText(event.currentTarget.value)} />
      ) : (
        <textarea {...shared} rows={5} onInput={(event) => onText(event.currentTarget.value)} />
      )}
      <p class="hint" id={`${id}-hint`}>
        {hint}
      </p>
    </div>
  );
}

function Results({ results }: { results: readonly Result[] }) {
  if (results.length === 0) return null;
  return (
    <section aria-label="Done since this page was opened">
      <h2>Done</h2>
      <ul class="results">
        {results.map((result) => (
          <li key={result.at.getTime()}>
            <span class="muted num">{clock(result.at)}</span> <strong>{plural(result.deleted, 'key')} removed</strong>{' '}
            in {result.duration} · {result.what}
            {result.warnings.map((warning) => (
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
