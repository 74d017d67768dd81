// A name, shown so that two different names never look alike: invisible characters get a symbol, escaped names a mark.
import { splitInvisible } from '../lib/invisible';

/** Characters of a name shown in a list; the detail shows all. */
const MAX_LIST_CHARACTERS = 300;

interface Props {
  text: string;
  /** The text is an escaped form of the name, which is not UTF-8 or contains a backslash. */
  escaped?: boolean;
  /** The placeholder for an empty name. */
  empty?: string;
  /** Shows names of any length in full. */
  whole?: boolean;
}

export function Name({ text, escaped = false, empty = '(empty name)', whole = false }: Props) {
  if (text === '') return <em>{empty}</em>;

  const shown = whole || text.length <= MAX_LIST_CHARACTERS ? text : `${text.slice(0, MAX_LIST_CHARACTERS)}…`;
  return (
    <>
      {splitInvisible(shown).map((segment, index) =>
        segment.invisible === undefined ? (
          segment.text
        ) : (
          <span key={index} class="invisible" title={segment.invisible}>
            {segment.text}
          </span>
        ),
      )}
      {escaped && (
        <span class="escaped" title="Not plain UTF-8: bytes are shown as \xNN, a backslash as \\">
          {' '}
          escaped
        </span>
      )}
    </>
  );
}
