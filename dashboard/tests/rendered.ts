// Renders components without a browser, for the text that they show.
import type { ComponentChildren } from 'preact';

/** The text of an element and of all below it. Their components must be functions without hooks. */
export function textOf(node: ComponentChildren): string {
  if (Array.isArray(node)) return node.map(textOf).join('');
  if (node === null || typeof node !== 'object') return typeof node === 'boolean' ? '' : String(node ?? '');
  if (!('type' in node)) throw new Error('not an element');

  const { type, props } = node;
  return textOf(typeof type === 'function' ? (type as (props: object) => ComponentChildren)(props) : props.children);
}
