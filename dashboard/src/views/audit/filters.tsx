// The form of the filter above the audit trail, and the export of the records that it takes.
import { useEffect, useId, useState } from 'preact/hooks';
import { formatNumber } from '../../lib/format';
import { navigate } from '../../state/route';
import { Action } from '../../ui/action';
import { Failure } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { downloadRecords, type ExportFormat } from './export';
import { ACTIONS, fieldOfTime, type Filter, NO_FILTER, OUTCOMES, setFields, timeOfField } from './filter';
import { looked, records, total } from './trail';

export function Filters({ filter }: { filter: Filter }) {
  const [typed, setTyped] = useState(filter);
  useEffect(() => setTyped(filter), [filter]);
  const show = (changed: Filter): void => navigate('audit', setFields(changed), true);
  const type = (changes: Partial<Filter>): void => setTyped({ ...typed, ...changes });
  const choose = (changes: Partial<Filter>): void => show({ ...typed, ...changes });
  const submit = (event: Event): void => {
    event.preventDefault();
    show(typed);
  };

  return (
    <form class="row filters" role="search" onSubmit={submit}>
      <TextFilter label="Caller" value={typed.who} example="anyone" onType={(who) => type({ who })} />
      <Choice label="Action" value={typed.action} known={ACTIONS} onChoose={(action) => choose({ action })} />
      <Choice label="Outcome" value={typed.outcome} known={OUTCOMES} onChoose={(outcome) => choose({ outcome })} />
      <TextFilter label="Key" value={typed.key} example="users:1 or users:*" isKey onType={(key) => type({ key })} />
      <TimeFilter label="From" value={typed.from} onChange={(from) => choose({ from })} />
      <TimeFilter label="To" value={typed.to} onChange={(to) => choose({ to })} />
      <span class="row grow">
        <Action kind="primary" submit>
          Filter
        </Action>
        {Object.keys(setFields(filter)).length > 0 && (
          <button type="button" class="button quiet" onClick={() => show(NO_FILTER)}>
            Reset
          </button>
        )}
        <Counts filter={filter} />
        <Export filter={filter} />
      </span>
    </form>
  );
}

interface TextProps {
  label: string;
  value: string;
  example: string;
  isKey?: boolean;
  onType: (text: string) => void;
}

function TextFilter({ label, value, example, isKey = false, onType }: TextProps) {
  const id = useId();

  return (
    <span class="row">
      <label for={id}>{label}</label>
      <input
        id={id}
        class={isKey ? 'mono' : undefined}
        data-search={isKey ? undefined : true}
        value={value}
        autocomplete="off"
        spellcheck={false}
        placeholder={example}
        onInput={(event) => onType(event.currentTarget.value)}
      />
    </span>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  known: readonly string[];
  onChoose: (name: string) => void;
}

function Choice({ label, value, known, onChoose }: ChoiceProps) {
  const id = useId();
  const names = value === '' || known.includes(value) ? known : [...known, value];

  return (
    <span class="row">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        <option value="">any</option>
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </span>
  );
}

function TimeFilter({ label, value, onChange }: { label: string; value: string; onChange: (time: string) => void }) {
  const id = useId();

  return (
    <span class="row">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="datetime-local"
        value={fieldOfTime(value)}
        onChange={(event) => onChange(timeOfField(event.currentTarget.value))}
      />
    </span>
  );
}

function Counts({ filter }: { filter: Filter }) {
  const isFiltered = Object.keys(setFields(filter)).length > 0;
  const shown = formatNumber(records.value.length);
  const all = total.value === null ? '' : ` of ${formatNumber(total.value)}`;

  return (
    <span class="muted num grow" role="status">
      {looked.value && (isFiltered ? `${shown} found` : `${shown}${all}`)}
    </span>
  );
}

const FORMATS: readonly ExportFormat[] = ['NDJSON', 'CSV'];

function Export({ filter }: { filter: Filter }) {
  const { busy, problem, run } = useTask();

  return (
    <>
      {FORMATS.map((format) => (
        <Action key={format} small busy={busy} onAct={() => void run(() => downloadRecords(filter, format))}>
          Export as {format}
        </Action>
      ))}
      {problem && <Failure problem={problem} action="The export" />}
    </>
  );
}
