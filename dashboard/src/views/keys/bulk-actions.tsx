// The actions on the chosen keys: mark them stale, change their TTL, delete them.
import { useRef, useState } from 'preact/hooks';
import { formatCount } from '../../lib/format';
import { type KeyRef, refOf } from '../../lib/key-name';
import { isProtected } from '../../lib/pattern';
import { announce } from '../../state/announce';
import { Action, Actions } from '../../ui/action';
import { Check } from '../../ui/check';
import { Dialog } from '../../ui/dialog';
import { DURATION_PROBLEM, DurationField, secondsOf, type TypedDuration } from '../../ui/duration-field';
import { Failure } from '../../ui/notes';
import { focusView, useFocusReturn } from '../../ui/use-focus-return';
import { useTask } from '../../ui/use-task';
import { expireKeys } from './bulk';
import { ClearDialog } from './clear-dialog';
import { chooseAll, chosen, search } from './store';
import type { Row, Walk } from './walk';

type Open = '' | 'stale' | 'ttl' | 'delete';

export function BulkActions({ walk }: { walk: Walk }) {
  const [open, setOpen] = useState<Open>('');
  const rows = [...chosen.value.values()];
  const hasProtected = rows.some((row) => isProtected(row.key));
  const clearRole = hasProtected ? 'admin' : 'operator';
  const bar = useRef<HTMLDivElement>(null);
  useFocusReturn(bar);

  return (
    <div class="bulk" role="group" aria-label="Actions on the chosen keys" ref={bar}>
      <strong class="num">{formatCount(rows.length, 'key')} chosen</strong>
      <Actions needs={clearRole}>
        {(describedBy) => (
          <>
            {!hasProtected && (
              <Action small needs={clearRole} describedBy={describedBy} onAct={() => setOpen('stale')}>
                Mark stale
              </Action>
            )}
            <Action small needs="admin" onAct={() => setOpen('ttl')}>
              Set TTL
            </Action>
            <Action small needs={clearRole} describedBy={describedBy} kind="danger" onAct={() => setOpen('delete')}>
              Delete
            </Action>
            <Action small kind="quiet" onAct={() => chooseAll(false)}>
              Choose none
            </Action>
          </>
        )}
      </Actions>
      {open !== '' && <OpenDialog open={open} rows={rows} walk={walk} onClose={() => setOpen('')} />}
    </div>
  );
}

interface DialogProps {
  rows: readonly Row[];
  walk: Walk;
  onClose: () => void;
}

function OpenDialog({ open, rows, walk, onClose }: DialogProps & { open: Open }) {
  if (open === 'ttl') return <TtlDialog rows={rows} walk={walk} onClose={onClose} />;

  const finish = (refs: readonly KeyRef[]): void => {
    chooseAll(false);
    focusView();
    if (open === 'stale') search(walk.filter, true);
    else walk.removeRows(refs);
  };
  return <ClearDialog names={rows} isSoft={open === 'stale'} onClose={onClose} onDone={finish} />;
}

function TtlDialog({ rows, walk, onClose }: DialogProps) {
  const [duration, setDuration] = useState<TypedDuration>({ typed: '1', unit: 'hours' });
  const [isPersistent, setPersistent] = useState(false);
  const { busy, problem, run } = useTask();
  const seconds = secondsOf(duration);

  const change = async (): Promise<void> => {
    const changed = await expireKeys(rows.map(refOf), isPersistent ? { persist: true } : { ttl: seconds ?? 1 });
    announce(`${formatCount(changed, 'key')} changed`);
    onClose();
    chooseAll(false);
    focusView();
    search(walk.filter, true);
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    if (isPersistent || seconds !== null) void run(change);
  };

  return (
    <Dialog title={`Set the TTL of ${formatCount(rows.length, 'key')}`} onClose={onClose}>
      <form onSubmit={submit}>
        <div class="field">
          <DurationField label="Expires in" value={duration} disabled={isPersistent} onChange={setDuration} />
          <Check checked={isPersistent} onChange={setPersistent}>
            Never expires
          </Check>
        </div>
        {problem && <Failure problem={problem} action="Changing the TTL" />}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <Action
            kind="primary"
            submit
            needs="admin"
            busy={busy}
            blocked={isPersistent || seconds !== null ? '' : DURATION_PROBLEM}
          >
            Set TTL
          </Action>
        </div>
      </form>
    </Dialog>
  );
}
