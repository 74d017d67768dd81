// The cells of a line of the tree: a folder with its counts and a link to clear it, or a key.
import { formatBytes, formatNumber } from '../../lib/format';
import { now } from '../../state/live';
import { href } from '../../state/route';
import { Name } from '../../ui/name';
import { formatTimeLeft, secondsLeft } from './sorting';
import { treeBytes, walk } from './store';
import type { Branch } from './tree';

const MAX_TITLE_CHARACTERS = 1000;

export function FolderCells({ branch: { folder, open } }: { branch: Branch & { kind: 'folder' } }) {
  // Until all keys are loaded, a folder has at least those that are.
  const least = walk.value?.state.value === 'ended' ? '' : '≥ ';

  return (
    <>
      <span class="twist" aria-hidden="true">
        {open ? '▾' : '▸'}
      </span>
      <span class="cell key mono">
        {folder.isPlaceholder ? (
          <em title="Several ids">{folder.name}</em>
        ) : (
          <Name text={folder.name} escaped={folder.isBytes} empty="(empty)" />
        )}
        <span class="muted">:</span>
      </span>
      <ClearLink pattern={folder.pattern} />
      <span class="cell num">
        {least}
        {formatNumber(folder.keys)}
        <span class="hidden"> {folder.keys === 1 ? 'key' : 'keys'}</span>
      </span>
      <ShareBar bytes={folder.bytes} />
      <span class="cell size num">
        {least}
        {formatBytes(folder.bytes)}
      </span>
    </>
  );
}

/** The share of the memory of all loaded keys. */
function ShareBar({ bytes }: { bytes: number }) {
  const share = treeBytes.value === 0 ? 0 : bytes / treeBytes.value;

  return (
    <span class="cell track" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  );
}

/** Empty for a folder whose names are not UTF-8: a pattern is a text. */
function ClearLink({ pattern }: { pattern: string | null }) {
  if (pattern === null) return <span class="cell clear-link" />;

  return (
    <a
      class="cell clear-link"
      href={href('clear', { by: 'pattern', pattern: `${pattern}*` })}
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
      <span class={`cell kind ${row.type}`}>{row.type}</span>
      <span class="cell ttl num">{left === 0 ? 'expired' : formatTimeLeft(row, left)}</span>
      <ShareBar bytes={row.sizeBytes ?? 0} />
      <span class="cell size num">{formatBytes(row.sizeBytes)}</span>
    </>
  );
}
