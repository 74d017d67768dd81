// A list of names. Each is shown as a name of its own, so that white space beside a comma visibly belongs to its name.
import { Fragment } from 'preact';
import { formatNumber } from '../lib/format';
import type { NamedKey } from '../lib/key-name';
import { Name } from './name';

interface Props {
  names: readonly NamedKey[];
  /** Names shown. The length of a longer list follows them. */
  max?: number;
}

export function Names({ names, max = 3 }: Props) {
  return (
    <>
      {names.slice(0, max).map(({ key, keyBase64 }, index) => (
        <Fragment key={index}>
          {index > 0 && ', '}
          <Name text={key} escaped={keyBase64 !== undefined} whole />
        </Fragment>
      ))}
      {names.length > max && `, … (${formatNumber(names.length)})`}
    </>
  );
}
