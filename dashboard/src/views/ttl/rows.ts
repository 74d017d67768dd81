// The application's rule for finding the row of the TTL table that applies to a key, repeated here to show the row.
import type { TtlTable } from '../../api/types';

/** The longest prefix that ends at a colon of the key, overrides first; otherwise the row of `*`. */
export function ruleFor(key: string, table: TtlTable): TtlTable[number] | null {
  const covers = (prefix: string): boolean =>
    prefix === key || key.startsWith(prefix.endsWith(':') ? prefix : `${prefix}:`);
  const matching = table.filter((row) => row.prefix !== '*' && covers(row.prefix));
  const overrides = matching.filter((row) => row.source === 'override');

  const candidates = overrides.length > 0 ? overrides : matching;
  const longest = candidates.sort((one, other) => other.prefix.length - one.prefix.length)[0];
  return longest ?? table.find((row) => row.prefix === '*') ?? null;
}

/** The first segments of the table's prefixes. */
export function modulesOf(table: TtlTable): string[] {
  const modules = table.map((row) => row.prefix.split(':')[0] ?? '').filter((name) => name !== '*' && name !== '');
  return [...new Set(modules)].sort();
}
