// The box of an alert: what is wrong, the number, the cause, and what to do about it.
import type { ComponentChildren } from 'preact';
import { Icon } from './icon';

interface Props {
  tone: 'warn' | 'bad' | 'info';
  title: string;
  /** The number that shows it, such as "94.1 %, limit 90"; '' when there is none. */
  figure?: string;
  cause: ComponentChildren;
  /** The advice, with a link or a button. */
  action?: ComponentChildren;
  /** Announces the box when it appears. */
  isUrgent?: boolean;
}

export function AlertBox({ tone, title, figure = '', cause, action, isUrgent = false }: Props) {
  return (
    <div class={`alert-box ${tone}`} role={isUrgent ? 'alert' : undefined}>
      <p class="alert-head">
        <Icon name={tone} /> <strong>{title}</strong> {figure !== '' && <span class="num alert-figure">{figure}</span>}
      </p>
      <p class="wrap">{cause}</p>
      {action && <div class="alert-action">{action}</div>}
    </div>
  );
}
