// The choice between marking entries stale and deleting them, with a sentence about each.
import { Fragment } from 'preact';
import { useId } from 'preact/hooks';
import { graceTyped, mode, type Mode, MODES } from './mode';

const LABELS: Record<Mode, [name: string, meaning: string]> = {
  soft: ['Mark stale', 'readers get the old value while one request refreshes it'],
  hard: ['Delete', 'the keys are gone at once, and readers wait for their loads'],
};

export function ModeChoice() {
  const group = useId();

  return (
    <fieldset class="modes">
      <legend class="hidden">How to clear</legend>
      {MODES.map((value) => (
        <Fragment key={value}>
          <label class="mode">
            <input type="radio" name={group} checked={mode.value === value} onChange={() => (mode.value = value)} />
            <span>
              <strong>{LABELS[value][0]}</strong>: {LABELS[value][1]}
            </span>
          </label>
          {value === 'soft' && mode.value === 'soft' && <GraceField />}
        </Fragment>
      ))}
    </fieldset>
  );
}

function GraceField() {
  const id = useId();

  return (
    <p class="row grace">
      <label for={id}>Entries without a grace are served for another</label>
      <input
        id={id}
        class="num short"
        inputMode="numeric"
        value={graceTyped.value}
        onInput={(event) => (graceTyped.value = event.currentTarget.value)}
      />
      <span>seconds</span>
    </p>
  );
}
