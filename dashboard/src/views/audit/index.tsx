// The audit trail: changes and denied attempts with their callers, newest first.
import { useEffect, useMemo } from 'preact/hooks';
import { missingRole } from '../../api/session';
import { roleSettled } from '../../state/live';
import { route } from '../../state/route';
import { Empty, Failure, Loading, RoleNote } from '../../ui/notes';
import { type Filter, filterInAddress, requestOf, setFields } from './filter';
import { Filters } from './filters';
import { Records } from './records';
import { busy, hasMore, load, loadMore, problem, records, runningChanges, storage } from './trail';

export function Audit() {
  const missing = missingRole('admin');
  const { query } = route.value;
  const filter = useMemo(() => filterInAddress(query), [query]);
  // Without the role, a request would itself be recorded in the trail as a denied attempt.
  const mayRead = roleSettled.value && missing === '';
  useEffect(() => {
    if (mayRead) void load(requestOf(filter));
  }, [mayRead, filter]);

  return (
    <div class="audit">
      <div class="view-head">
        <h1>Audit</h1>
        <span class="muted grow">
          Changes and denied attempts, newest first. Clearing the cache does not remove them.
        </span>
        {mayRead && (
          <button type="button" class="button small" onClick={() => void load(requestOf(filter))}>
            Refresh
          </button>
        )}
      </div>
      {missing !== '' && <RoleNote needs="admin" title="Only admins can read the audit trail" />}
      {mayRead ? <Trail filter={filter} /> : missing === '' && <Loading what="records" />}
    </div>
  );
}

function Trail({ filter }: { filter: Filter }) {
  const shown = records.value;
  const isIdle = !busy.value && problem.value === null;
  const isFiltered = Object.keys(setFields(filter)).length > 0;

  return (
    <>
      <Filters filter={filter} />
      <StorageNote />
      {runningChanges.value.length > 0 && <Records records={runningChanges.value} label="Changes in progress" />}
      {problem.value && (
        <Failure problem={problem.value} action="Reading the audit trail" retry={() => void loadMore()} />
      )}
      {shown.length > 0 && <Records records={shown} label="Audit records" />}
      {shown.length === 0 && isIdle && (
        <Empty>{isFiltered ? noMatch(hasMore.value) : 'No changes have been recorded yet.'}</Empty>
      )}
      {busy.value && <Loading what="records" />}
      {!busy.value && hasMore.value && problem.value === null && (
        <button type="button" class="button" onClick={() => void loadMore()}>
          {isFiltered ? 'Search older' : 'Load older'}
        </button>
      )}
    </>
  );
}

function noMatch(hasOlder: boolean): string {
  return hasOlder ? 'None of the records searched so far matches the filter.' : 'No record matches the filter.';
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
