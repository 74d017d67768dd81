// The panel with one key: its facts, its value, and the actions on it.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { KeyDetail } from '../../api/types';
import { formatBytes, formatNumber } from '../../lib/format';
import { idOf, type KeyRef, type NamedKey, refOf } from '../../lib/key-name';
import { isAuditTrail, isProtected } from '../../lib/pattern';
import { Action } from '../../ui/action';
import { CopyButton } from '../../ui/copy-button';
import { Name } from '../../ui/name';
import { Failure, Loading, RoleNote } from '../../ui/notes';
import { DeleteDialog } from './delete-dialog';
import { Facts } from './facts';
import { walk } from './store';
import { TtlDialog } from './ttl-dialog';
import { useKey } from './use-key';
import { textToCopy, Value } from './value';

type OpenDialog = '' | 'ttl' | 'delete';
/** From this length the heading cuts a name. */
const MAX_HEADING_CHARACTERS = 10_000;

export function Detail({ requested, onClose }: { requested: KeyRef; onClose: () => void }) {
  const key = useKey(requested);
  const [dialog, setDialog] = useState<OpenDialog>('');
  const panel = useRef<HTMLElement>(null);
  const { detail, problem, busy, missing, reload } = key;
  const named = detail ?? listedKey(requested) ?? namedLike(requested);

  useEffect(() => {
    // On a narrow screen the panel covers the list.
    if (matchMedia('(max-width: 60rem)').matches) panel.current?.focus();
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && dialog === '') onClose();
  };

  return (
    <section class="detail" aria-label={`Key ${named.key}`} ref={panel} tabIndex={-1} onKeyDown={onKeyDown}>
      <Heading named={named} onClose={onClose} />
      {missing !== '' && (
        <RoleNote needs="operator" title="Values may be personal data, so this token may not read them" />
      )}
      {problem && <Failure problem={problem} action="Reading the key" retry={reload} />}
      {busy && detail === null && <Loading what="the key" />}
      {detail && (
        <>
          <Facts detail={detail} readAt={key.readAt} />
          <Actions name={named.key} busy={busy} onReload={reload} onOpen={setDialog} />
          <Content detail={detail} read={key} />
          {dialog === 'ttl' && <TtlDialog detail={detail} onClose={() => setDialog('')} onChanged={reload} />}
          {dialog === 'delete' && <DeleteDialog detail={detail} onClose={() => setDialog('')} onDeleted={onClose} />}
        </>
      )}
    </section>
  );
}

/** The loaded row of the key, which names it before its detail is read. */
function listedKey(requested: KeyRef): NamedKey | undefined {
  return walk.value?.rows.find((row) => idOf(refOf(row)) === idOf(requested));
}

/** A stand-in for the name while nothing is known of the key. */
function namedLike(requested: KeyRef): NamedKey {
  if ('key' in requested) return requested;
  return { key: `base64 ${requested.keyBase64}`, keyBase64: requested.keyBase64 };
}

function Heading({ named, onClose }: { named: NamedKey; onClose: () => void }) {
  const { key, keyBase64 } = named;

  return (
    <div class="detail-head">
      <h2 class="mono">
        <Name text={key} escaped={keyBase64 !== undefined} whole={key.length < MAX_HEADING_CHARACTERS} />
      </h2>
      <CopyButton text={key} what="name" />
      <button type="button" class="button quiet small" onClick={onClose}>
        Close
      </button>
    </div>
  );
}

interface ActionsProps {
  name: string;
  busy: boolean;
  onReload: () => void;
  onOpen: (dialog: OpenDialog) => void;
}

/** The audit trail can be neither changed nor deleted. */
function Actions({ name, busy, onReload, onOpen }: ActionsProps) {
  const deleteRole = isProtected(name) ? 'admin' : 'operator';

  return (
    <div class="row actions">
      {!isAuditTrail(name) && (
        <>
          <Action small needs="admin" onAct={() => onOpen('ttl')}>
            Change TTL
          </Action>
          <Action small kind="danger" needs={deleteRole} onAct={() => onOpen('delete')}>
            Delete
          </Action>
        </>
      )}
      <Action small kind="quiet" busy={busy} onAct={onReload}>
        Read again
      </Action>
    </div>
  );
}

function Content({ detail, read }: { detail: KeyDetail; read: ReturnType<typeof useKey> }) {
  const { elements, busy, loadMore } = read;

  return (
    <>
      <div class="value-head">
        <h3>Value</h3>
        <span class="muted grow">{describeSize(detail, elements.length)}</span>
        <CopyButton text={textToCopy(detail, elements)} what="value" />
      </div>
      <Value detail={detail} elements={elements} />
      {detail.nextCursor !== null && (
        <Action small busy={busy} onAct={() => void loadMore()}>
          More elements
        </Action>
      )}
    </>
  );
}

function describeSize({ valueFormat, length }: KeyDetail, loaded: number): string {
  if (valueFormat !== 'elements') {
    return `${valueFormat === 'base64' ? 'binary' : valueFormat}, ${formatBytes(length)} stored`;
  }
  const all = `${formatNumber(length)} elements`;
  return loaded < length ? `${formatNumber(loaded)} of ${all}` : all;
}
