// The filter of the key browser, kept in the address: a search text, conditions, and whether edge-cache's own keys are listed.
import type { KeysQuery } from '../../api/types';
import { formatBytes } from '../../lib/format';
import { isProtected, searchPattern } from '../../lib/pattern';

export interface KeyFilter {
  /** A pattern, or a part of a name. */
  text: string;
  type: string;
  /** 0 for any size. */
  minSizeBytes: number;
  withoutTtl: boolean;
  /** Lists edge-cache's own keys, too. */
  own: boolean;
}

export const TYPES = ['string', 'hash', 'list', 'set', 'zset', 'stream'];
/** Sizes to choose from. */
export const MIN_SIZES = [10 * 1024, 100 * 1024, 1024 * 1024];

export function filterInAddress(query: URLSearchParams): KeyFilter {
  const size = Number(query.get('minSize') ?? 0);

  return {
    text: query.get('pattern') ?? '',
    type: query.get('type') ?? '',
    minSizeBytes: Number.isSafeInteger(size) && size > 0 ? size : 0,
    withoutTtl: query.get('noTtl') === '1',
    own: query.get('own') === '1',
  };
}

export function addressOf({ text, type, minSizeBytes, withoutTtl, own }: KeyFilter): Record<string, string> {
  return {
    ...(text && { pattern: text }),
    ...(type && { type }),
    ...(minSizeBytes > 0 && { minSize: String(minSizeBytes) }),
    ...(withoutTtl && { noTtl: '1' }),
    ...(own && { own: '1' }),
  };
}

export function queryOf({ text, type, minSizeBytes, withoutTtl }: KeyFilter): KeysQuery {
  return {
    pattern: searchPattern(text),
    ...(type && { type }),
    ...(minSizeBytes > 0 && { minSizeBytes }),
    ...(withoutTtl && { withoutTtl }),
  };
}

export function isSameFilter(one: KeyFilter, other: KeyFilter): boolean {
  return JSON.stringify(addressOf(one)) === JSON.stringify(addressOf(other));
}

/** Whether keys of `cache:` and `lock:` are left out of the list. A search for them lists them. */
export function hidesOwnKeys({ text, own }: KeyFilter): boolean {
  return !own && !isProtected(text);
}

/** ` of type hash, of at least 10.0 KB, without a TTL`; '' without conditions. */
export function describeConditions({ type, minSizeBytes, withoutTtl }: KeyFilter): string {
  const parts = [
    type && `of type ${type}`,
    minSizeBytes > 0 && `of at least ${formatBytes(minSizeBytes)}`,
    withoutTtl && 'without a TTL',
  ].filter(Boolean);
  return parts.length === 0 ? '' : ` ${parts.join(', ')}`;
}
