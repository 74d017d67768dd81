// A text field for one value, taken exactly as typed. Enter submits the form around it; Shift+Enter inserts a line break.
import type { ComponentProps } from 'preact';

interface Props extends Omit<ComponentProps<'textarea'>, 'value' | 'onInput' | 'onKeyDown' | 'rows'> {
  value: string;
  onType: (text: string) => void;
}

const MAX_ROWS = 6;

export function TextLine({ value, onType, ...rest }: Props) {
  return (
    <textarea
      {...rest}
      class={`text-line ${String(rest.class ?? '')}`}
      rows={Math.min(MAX_ROWS, value.split('\n').length)}
      autocomplete="off"
      autocapitalize="off"
      spellcheck={false}
      value={value}
      onInput={(event) => onType(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();

        // Clicking the button lets it decide whether the form may be submitted, as with a field of one line.
        event.currentTarget.form?.querySelector<HTMLButtonElement>('button[type="submit"]')?.click();
      }}
    />
  );
}
