// A field for a duration: a whole number and its unit.
import { useId } from 'preact/hooks';

const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };
type Unit = keyof typeof UNITS;
const MAX_SECONDS = 315_360_000;

export interface TypedDuration {
  typed: string;
  unit: Unit;
}

/** The duration in seconds; null when it is not a whole number of at least one, or longer than ten years. */
export function secondsOf({ typed, unit }: TypedDuration): number | null {
  const count = Number(typed);
  const seconds = count * UNITS[unit];
  return typed.trim() !== '' && Number.isInteger(count) && count >= 1 && seconds <= MAX_SECONDS ? seconds : null;
}

export const DURATION_PROBLEM = 'Type a whole number, 1 or more, up to ten years.';

interface Props {
  label: string;
  value: TypedDuration;
  onChange: (value: TypedDuration) => void;
  disabled?: boolean;
}

export function DurationField({ label, value, onChange, disabled = false }: Props) {
  const id = useId();

  return (
    <span class="row">
      <label for={id}>{label}</label>
      <input
        id={id}
        class="num short"
        inputMode="numeric"
        disabled={disabled}
        value={value.typed}
        onInput={(event) => onChange({ ...value, typed: event.currentTarget.value })}
      />
      <select
        aria-label={`Unit of: ${label}`}
        disabled={disabled}
        value={value.unit}
        onChange={(event) => onChange({ ...value, unit: event.currentTarget.value as Unit })}
      >
        {Object.keys(UNITS).map((unit) => (
          <option key={unit}>{unit}</option>
        ))}
      </select>
    </span>
  );
}
