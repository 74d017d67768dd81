// A confirmation: the number of keys that a change concerns, typed.
import { useId } from 'preact/hooks';
import { formatNumber } from '../lib/format';

/** The reason that the typed text does not confirm; '' when it is the number, with or without separators. */
export function countProblem(typed: string, count: number): string {
  return typed.replace(/[\s,.'’]/g, '') === String(count) ? '' : `Type ${formatNumber(count)} first.`;
}

interface Props {
  count: number;
  typed: string;
  onType: (text: string) => void;
}

export function CountField({ count, typed, onType }: Props) {
  const id = useId();

  return (
    <p class="row">
      <label for={id}>
        Type the number of keys, <code>{formatNumber(count)}</code>, to confirm
      </label>
      <input
        id={id}
        class="num short"
        inputMode="numeric"
        autocomplete="off"
        value={typed}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </p>
  );
}
