// The audit trail: changes and denied attempts with their callers, newest first.
import { useEffect } from 'preact/hooks';
import { missingRole } from '../../api/session';
import { roleSettled } from '../../state/live';
import { Empty, Failure, Loading, RoleNote } from '../../ui/notes';
import { Filters } from './filters';
import { Records } from './records';
import { busy, hasMore, loadMore, matchingRecords, problem, records, reload, runningChanges, storage } from './trail';

export function Audit() {
  const missing = missingRole('admin');
  // Without the role, a request would itself be recorded in the trail as a denied attempt.
  const mayRead = roleSettled.value && missing === '';
  useEffect(() => {
    if (mayRead) void reload();
  }, [mayRead]);

  return (
    <div class="audit">
      <div class="view-head">
        <h1>Audit</h1>
        <span class="muted grow">
          Changes and denied attempts, newest first. Clearing the cache does not remove them.
        </span>
        {mayRead && (
          <button type="button" class="button small" onClick={() => void reload()}>
            Refresh
          </button>
        )}
      </div>
      {missing !== '' && <RoleNote needs="admin" title="Only admins can read the audit trail" />}
      {mayRead ? <Trail /> : missing === '' && <Loading what="records" />}
    </div>
  );
}

function Trail() {
  const shown = matchingRecords.value;
  const isIdle = !busy.value && problem.value === null;

  return (
    <>
      <Filters />
      <StorageNote />
      {runningChanges.value.length > 0 && <Records records={runningChanges.value} label="Changes in progress" />}
      {problem.value && (
        <Failure problem={problem.value} action="Reading the audit trail" retry={() => void loadMore()} />
      )}
      {shown.length > 0 && <Records records={shown} label="Audit records" />}
      {shown.length === 0 && isIdle && (
        <Empty>
          {records.value.length === 0
            ? 'No changes have been recorded yet.'
            : 'None of the records searched matches the filter.'}
        </Empty>
      )}
      {busy.value && <Loading what="records" />}
      {!busy.value && hasMore.value && records.value.length > 0 && (
        <button type="button" class="button" onClick={() => void loadMore()}>
          Load older
        </button>
      )}
    </>
  );
}

/** Shown when the trail has no database of its own. */
function StorageNote() {
  if (storage.value === null || storage.value.ownDatabase) return null;

  return (
    <p class="muted">
      The audit trail is stored in the cache’s database: {storage.value.reason}. Clearing the cache does not remove it.
    </p>
  );
}
