// The filter above the audit trail: by caller, action and kind of record.
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { formatNumber } from '../../lib/format';
import { changeFilter, filter, matchingRecords, records, total } from './trail';

/** Actions that are offered before a record with them is loaded. */
const ACTIONS = [
  'clear',
  'invalidate',
  'warmup',
  'warmup-cancel',
  'memory-relief',
  'expire',
  'ttl',
  'event',
  'event-removal',
  'denied',
];

export function Filters() {
  const id = useId();
  const { caller, action, stream } = filter.value;
  const actions = new Set([...ACTIONS, ...records.value.map((record) => record.action)]);

  return (
    <form class="row filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <span class="row">
        <label for={id}>Caller</label>
        <input
          id={id}
          value={caller}
          autocomplete="off"
          spellcheck={false}
          placeholder="anyone"
          onInput={(event) => void changeFilter({ caller: event.currentTarget.value })}
        />
      </span>
      <Select label="Action" value={action} onChange={(value) => void changeFilter({ action: value })}>
        {[...actions].map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <Select label="Kind" value={stream} onChange={(value) => void changeFilter({ stream: value })}>
        <option value="changes">changes by people and services</option>
        <option value="denied">denied attempts</option>
        <option value="automatic">automatic changes</option>
      </Select>
      <Counts />
    </form>
  );
}

interface SelectProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  children: ComponentChildren;
}

function Select({ label, value, onChange, children }: SelectProps) {
  const id = useId();

  return (
    <span class="row">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">any</option>
        {children}
      </select>
    </span>
  );
}

function Counts() {
  const searched = formatNumber(records.value.length);
  const all = total.value === null ? '' : ` of ${formatNumber(total.value)}`;

  return (
    <span class="muted num" role="status">
      {formatNumber(matchingRecords.value.length)} shown, {searched}
      {all} searched
    </span>
  );
}
