// Which entry of the TTL table a key falls under: the rule of the application, for showing.
import type { TtlTable } from '../api/types';

/** The longest prefix that ends at a colon of the name, overrides first; `*` where none does. */
export function entryFor(key: string, table: TtlTable): TtlTable[number] | null {
  const covers = (prefix: string): boolean =>
    prefix === key || key.startsWith(prefix.endsWith(':') ? prefix : `${prefix}:`);
  const fitting = table.filter((entry) => entry.prefix !== '*' && covers(entry.prefix));
  const overrides = fitting.filter((entry) => entry.source === 'override');
  const best = (overrides.length > 0 ? overrides : fitting).sort((a, b) => b.prefix.length - a.prefix.length)[0];
  return best ?? table.find((entry) => entry.prefix === '*') ?? null;
}

/** The first parts of the table's prefixes: what services call their modules. */
export function modulesOf(table: TtlTable): string[] {
  const names = table.map((entry) => entry.prefix.split(':')[0] ?? '').filter((name) => name !== '*' && name !== '');
  return [...new Set(names)].sort();
}
