// A bar that shows a share of a whole.
interface Props {
  label: string;
  percent: number;
  tone?: 'ok' | 'warn' | 'bad';
  text?: string;
}

export function Bar({ label, percent, tone = 'ok', text }: Props) {
  const width = Math.min(100, Math.max(0, percent));

  return (
    <div
      class={`bar ${tone}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(width)}
      aria-valuetext={text}
    >
      <span style={{ width: `${width}%` }} />
    </div>
  );
}
