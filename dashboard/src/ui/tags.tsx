// The tags of a key. Each links to the form that clears by it.
import { href } from '../state/route';
import { Name } from './name';

export function Tags({ tags }: { tags: readonly string[] }) {
  if (tags.length === 0) return <span class="muted">none</span>;

  return (
    <ul class="tags" aria-label="Tags">
      {tags.map((tag) => (
        <li key={tag}>
          <a href={href('clear', { by: 'tags', tags: tag })} title="Clear the keys with this tag">
            <Name text={tag} />
          </a>
        </li>
      ))}
    </ul>
  );
}
