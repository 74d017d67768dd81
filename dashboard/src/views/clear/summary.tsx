// A short form of a selection, for the list of removals.
import { namedKeys } from '../../lib/key-name';
import { Names } from '../../ui/names';
import { namesOf, type Selection, type Selector } from './selection';

const KINDS: Record<Selector, string> = { pattern: 'pattern', keys: 'key', tags: 'tag', everything: 'everything' };

export function SelectionSummary({ selection }: { selection: Selection }) {
  const names = namesOf(selection);
  const kind = `${KINDS[selection.by]}${names.length > 1 ? 's' : ''}`;
  if (names.length === 0) return <>{kind}</>;

  return (
    <>
      {kind} <Names names={namedKeys(names)} />
    </>
  );
}
