// A coloured word, such as the outcome of an operation.
import type { ComponentChildren } from 'preact';

export function Badge({ tone, children }: { tone: string; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}>{children}</span>;
}
