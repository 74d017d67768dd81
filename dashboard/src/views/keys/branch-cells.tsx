// The cells of a line of the tree: a folder with its counts and a link to clear it, or a key.
import { formatBytes, formatNumber } from '../../lib/format';
import { escapeGlob } from '../../lib/pattern';
import { now } from '../../state/live';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { formatTimeLeft, secondsLeft } from './sorting';
import type { Branch } from './tree';

const MAX_TITLE_CHARACTERS = 1000;

export function FolderCells({ branch: { folder, open } }: { branch: Branch & { kind: 'folder' } }) {
  return (
    <>
      <span class="twist" aria-hidden="true">
        {open ? '▾' : '▸'}
      </span>
      <span class="cell key mono">
        <Name text={folder.name} escaped={folder.isBytes} empty="(empty)" />
        <span class="muted">:</span>
      </span>
      <ClearLink prefix={folder.prefix} />
      <span class="cell num">
        {formatNumber(folder.keys)}
        <span class="hidden"> {folder.keys === 1 ? 'key' : 'keys'}</span>
      </span>
      <span class="cell size num">{formatBytes(folder.bytes)}</span>
    </>
  );
}

/** Empty for a prefix that is not UTF-8: a pattern is a text. */
function ClearLink({ prefix }: { prefix: string | null }) {
  if (prefix === null) return <span class="cell clear-link" />;

  return (
    <a
      class="cell clear-link"
      href={href('clear', { by: 'pattern', pattern: `${escapeGlob(prefix)}*` })}
      tabIndex={-1}
      onClick={(event) => event.stopPropagation()}
    >
      clear…
    </a>
  );
}

export function KeyCells({ branch: { row, name } }: { branch: Branch & { kind: 'key' } }) {
  const left = secondsLeft(row.ttl, row.readAt, now.value);

  return (
    <>
      <span class="cell key mono" title={row.key.slice(0, MAX_TITLE_CHARACTERS)}>
        <Name text={name} escaped={row.keyBase64 !== undefined} empty="(empty)" />
      </span>
      <span class={`kind ${row.type}`}>{row.type}</span>
      <span class="cell ttl num">{left === 0 ? 'expired' : formatTimeLeft(row, left)}</span>
      <span class="cell size num">{formatBytes(row.sizeBytes)}</span>
    </>
  );
}
