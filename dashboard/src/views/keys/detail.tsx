// The panel with one key: its facts, its value, and the actions on it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { idOf, type KeyRef, type NamedKey, refOf } from '../../lib/key-name';
import { isAuditTrail, isProtected } from '../../lib/pattern';
import { Action } from '../../ui/action';
import { CopyButton } from '../../ui/copy-button';
import { Name } from '../../ui/name';
import { Failure, Loading, RoleNote } from '../../ui/notes';
import { useFocusReturn } from '../../ui/use-focus-return';
import { ClearDialog } from './clear-dialog';
import { DeleteDialog } from './delete-dialog';
import { Changes } from './changes';
import { Content } from './content';
import { Facts } from './facts';
import { Missing } from './missing';
import { walk } from './store';
import { SurroundingFacts, useRule } from './surroundings';
import { TtlDialog } from './ttl-dialog';
import { useKey } from './use-key';

type OpenDialog = '' | 'stale' | 'ttl' | 'delete';
/** From this length the heading cuts a name. */
const MAX_HEADING_CHARACTERS = 10_000;

export function Detail({ requested, onClose }: { requested: KeyRef; onClose: () => void }) {
  const key = useKey(requested);
  const [dialog, setDialog] = useState<OpenDialog>('');
  const panel = useRef<HTMLElement>(null);
  const { detail, problem, busy, missing, reload } = key;
  const rule = useRule(requested);
  const named = detail ?? listedKey(requested) ?? namedLike(requested);

  useFocusReturn(panel);
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
      {problem && problem.status !== 404 && <Failure problem={problem} action="Reading the key" retry={reload} />}
      {problem?.status === 404 && (
        <Missing name={textOf(requested)} lock={problem.loadLock} rule={rule} readAt={key.readAt} onRetry={reload} />
      )}
      {busy && detail === null && <Loading what="the key" />}
      {detail && (
        <>
          <Facts detail={detail} readAt={key.readAt}>
            <SurroundingFacts detail={detail} rule={rule} lock={detail.loadLock} readAt={key.readAt} />
          </Facts>
          <Actions name={named.key} busy={busy} onReload={reload} onOpen={setDialog} />
          <Content detail={detail} read={key} />
          {detail.keyBase64 === undefined && !isProtected(detail.key) && <Changes key={key.readAt} name={detail.key} />}
          {dialog === 'ttl' && <TtlDialog detail={detail} onClose={() => setDialog('')} onChanged={reload} />}
          {dialog === 'stale' && <ClearDialog names={[detail]} isSoft onClose={() => setDialog('')} onDone={reload} />}
          {dialog === 'delete' && <DeleteDialog detail={detail} onClose={() => setDialog('')} onDeleted={onClose} />}
        </>
      )}
    </section>
  );
}

function textOf(requested: KeyRef): string | null {
  return 'key' in requested ? requested.key : null;
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
          {!isProtected(name) && (
            <Action small needs={deleteRole} onAct={() => onOpen('stale')}>
              Mark stale
            </Action>
          )}
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
