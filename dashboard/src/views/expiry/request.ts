// The form of a change of expiries, and the request it stands for.
import type { ExpireRequest } from '../../api/types';
import { type TypedDuration, secondsOf } from '../../ui/duration-field';
import { incompleteReason, namesOf, type Selection } from '../clear/selection';

export const CHANGES = ['onlyWithoutTtl', 'shortenTo', 'lengthenTo', 'ttl', 'persist'] as const;
export type Change = (typeof CHANGES)[number];

export const CHANGE_LABELS: Record<Change, string> = {
  onlyWithoutTtl: 'Give a TTL to keys without one',
  shortenTo: 'Shorten longer TTLs; keys without one get it, too',
  lengthenTo: 'Lengthen shorter TTLs',
  ttl: 'Set the TTL of all',
  persist: 'Remove the TTL',
};

export interface ExpiryForm extends Selection {
  change: Change;
  duration: TypedDuration;
  /** Percent, as typed; '' for none. */
  jitter: string;
  /** '' for any type. */
  type: string;
  /** 0 for any size. */
  minSizeBytes: number;
}

export const EMPTY_FORM: ExpiryForm = {
  by: 'pattern',
  text: '',
  change: 'onlyWithoutTtl',
  duration: { typed: '1', unit: 'days' },
  jitter: '10',
  type: '',
  minSizeBytes: 0,
};

const MAX_JITTER = 50;

/** The reason that the form cannot be previewed; '' when it can. */
export function formProblem(form: ExpiryForm): string {
  const incomplete = incompleteReason(form);
  if (incomplete !== '') return incomplete;
  if (form.change === 'persist') return '';
  if (secondsOf(form.duration) === null) return 'Type the TTL as a whole number, 1 or more, up to ten years.';

  const jitter = Number(form.jitter);
  const isJitterValid = Number.isInteger(jitter) && jitter >= 0 && jitter <= MAX_JITTER;
  return isJitterValid ? '' : `Type the spread as a whole number up to ${MAX_JITTER}.`;
}

/** The request of a form without problems. */
export function requestOf(form: ExpiryForm): ExpireRequest {
  const names = namesOf(form);
  const target =
    form.by === 'pattern' ? { pattern: form.text } : form.by === 'keys' ? { keys: names } : { tags: names };
  const conditions = {
    ...(form.type !== '' && { type: form.type }),
    ...(form.minSizeBytes > 0 && { minSizeBytes: form.minSizeBytes }),
  };
  if (form.change === 'persist') return { ...target, ...conditions, persist: true };

  const jitter = Number(form.jitter);
  return { ...target, ...conditions, [form.change]: secondsOf(form.duration), ...(jitter > 0 && { jitter }) };
}
