// Downloads all records that a filter takes, as lines of JSON or as a table.
import * as api from '../../api/endpoints';
import { Problem } from '../../api/problem';
import type { AuditRecord } from '../../api/types';
import { saveFile } from '../../lib/save-file';
import { announce } from '../../state/announce';
import { type Filter, requestOf } from './filter';

export type ExportFormat = 'NDJSON' | 'CSV';

export async function downloadRecords(filter: Filter, format: ExportFormat): Promise<void> {
  const response = await api.exportAudit(requestOf(filter));
  const text = await response.text();
  const failure = failureIn(text);
  if (failure !== '') throw new Problem(503, `The export is incomplete: ${failure}`);

  const name = `audit-${new Date().toISOString().slice(0, 10)}`;
  if (format === 'CSV') saveFile(new Blob([csvOf(text)], { type: 'text/csv' }), `${name}.csv`);
  else saveFile(new Blob([text], { type: 'application/x-ndjson' }), `${name}.ndjson`);
  announce('The export is complete');
}

/** The columns of a table: lists of names are joined, and the rest of a record is in its NDJSON form only. */
const COLUMNS: readonly (keyof AuditRecord)[] = [
  'at',
  'who',
  'role',
  'action',
  'outcome',
  'pattern',
  'patterns',
  'keys',
  'tags',
  'keysDeleted',
  'keysMarkedStale',
  'keysChanged',
  'keysWritten',
  'durationMs',
  'ip',
  'detail',
  'error',
  'requestId',
  'operationId',
  'jobId',
];

/** Lines of JSON as a table with a header, as RFC 4180 has it. */
export function csvOf(lines: string): string {
  const records = lines.split('\n').filter((line) => line !== '');
  const rows = records.map((line) => JSON.parse(line) as Partial<Record<string, unknown>>);
  return [COLUMNS, ...rows.map((row) => COLUMNS.map((name) => row[name]))]
    .map((cells) => `${cells.map(csvCell).join(',')}\r\n`)
    .join('');
}

/** A text that begins like a formula gets an apostrophe, because spreadsheets would compute it. */
function csvCell(value: unknown): string {
  const text = Array.isArray(value) ? value.join(' ') : String(value ?? '');
  const safe = typeof value !== 'number' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The last line of an export that could not be completed has the reason; '' for a complete one. */
export function failureIn(text: string): string {
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  if (last === '') return '';
  const { error, id } = JSON.parse(last) as { error?: string; id?: string };
  // A record may have an error of its own, and has an id.
  return id === undefined && error !== undefined ? error : '';
}
