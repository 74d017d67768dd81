// Some of the keys that an operation matches, each with a link to it.
import { type NamedKey, refOf } from '../lib/key-name';
import { href } from '../state/route';
import { Name } from './name';

export function SampleKeys({ keys }: { keys: readonly NamedKey[] }) {
  return (
    <ul class="sample mono" aria-label="Some of the keys">
      {keys.map((named) => (
        <li key={named.key}>
          <a href={href('keys', refOf(named))}>
            <Name text={named.key} escaped={named.keyBase64 !== undefined} />
          </a>
        </li>
      ))}
    </ul>
  );
}
