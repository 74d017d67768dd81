// The target of an audit record: the names that the change was about, and the details of its outcome.
import { Fragment } from 'preact';
import type { AuditRecord } from '../../api/types';
import { formatNumber, formatTime } from '../../lib/format';
import { namedKeys } from '../../lib/key-name';
import { Name } from '../../ui/name';
import { Names } from '../../ui/names';

export function Target({ record }: { record: AuditRecord }) {
  const { detail, error, alike, cut, difference } = record;
  const names = listsOf(record).map((list) => <Names names={namedKeys(list, record.keysBase64)} />);
  const change = difference && <Difference difference={difference} />;
  const parts = [...names, detail, change, error, alike && describeAlike(alike), cut && 'truncated'].filter(Boolean);
  if (parts.length === 0) return <>–</>;

  return (
    <>
      {parts.map((part, index) => (
        <Fragment key={index}>
          {index > 0 && ' · '}
          {part}
        </Fragment>
      ))}
    </>
  );
}

/** The changed part of an edited value. */
function Difference({ difference }: { difference: NonNullable<AuditRecord['difference']> }) {
  const { before, after, cut } = difference;

  return (
    <>
      <del>
        <Name text={before} empty="(nothing)" whole />
      </del>{' '}
      →{' '}
      <ins>
        <Name text={after} empty="(nothing)" whole />
      </ins>
      {cut && ' …'}
    </>
  );
}

/** The lists of names that are not empty. */
function listsOf({ pattern, patterns = [], keys = [], tags = [] }: AuditRecord): (readonly string[])[] {
  const lists = [pattern ? [pattern] : [], patterns, keys, tags.map((tag) => `#${tag}`)];
  return lists.filter((list) => list.length > 0);
}

/** Records beyond a quota are stored as one with their number. */
export function describeAlike({ count, failed, since }: NonNullable<AuditRecord['alike']>): string {
  return `${formatNumber(count)} more like this since ${formatTime(since)}${failed > 0 ? `, ${formatNumber(failed)} failed` : ''}`;
}
