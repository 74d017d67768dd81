// The preview of a change of expiries: its effect on the TTLs, and the button that makes it.
import { useRef, useState } from 'preact/hooks';
import type { ExpireReport } from '../../api/types';
import { formatCount, formatMilliseconds, formatNumber } from '../../lib/format';
import { namedKeys } from '../../lib/key-name';
import { Action } from '../../ui/action';
import { Check } from '../../ui/check';
import { CountField, countProblem } from '../../ui/count-field';
import { SampleKeys } from '../../ui/sample-keys';
import { Histogram } from '../../ui/ttl-histogram';
import { useFocusReturn } from '../../ui/use-focus-return';
import { isLongRemoval, needsTypedCount } from '../clear/effect';

interface Props {
  report: ExpireReport['stats'];
  /** Keys of a pattern can be changed by a job. */
  canBeJob: boolean;
  busy: boolean;
  /** `confirmCount` is null when no number had to be typed. */
  onConfirm: (confirmCount: number | null, asJob: boolean) => void;
}

export function Preview(props: Props) {
  const panel = useRef<HTMLElement>(null);
  useFocusReturn(panel);
  const { keysMatched, keysChanged, durationMs, sampleKeys = [], sampleKeysBase64, ttlBefore, ttlAfter } = props.report;

  return (
    <section class="preview" aria-label="Preview" ref={panel}>
      <h2>
        {formatCount(keysChanged, 'key')} will change{' '}
        <span class="muted">
          of {formatNumber(keysMatched)} found in {formatMilliseconds(durationMs)}
        </span>
      </h2>
      {keysMatched > 0 && <Histogram before={ttlBefore} after={ttlAfter} />}
      {sampleKeys.length > 0 && (
        <>
          <h3>Some of them</h3>
          <SampleKeys keys={namedKeys(sampleKeys, sampleKeysBase64)} />
        </>
      )}
      {keysChanged > 0 && <Confirm {...props} />}
    </section>
  );
}

function Confirm({ report, canBeJob, busy, onConfirm }: Props) {
  const { keysChanged, matchShare, needsConfirm } = report;
  const [typed, setTyped] = useState('');
  const [wantsJob, setWantsJob] = useState<boolean | null>(null);
  const asJob = canBeJob && (wantsJob ?? isLongRemoval(keysChanged));
  const needsCount = needsConfirm === true || needsTypedCount(keysChanged, matchShare ?? null);
  const blocked = needsCount ? countProblem(typed, keysChanged) : '';

  const submit = (event: Event): void => {
    event.preventDefault();
    if (blocked === '' && !busy) onConfirm(needsCount ? report.keysMatched : null, asJob);
  };
  return (
    <form class="confirm" onSubmit={submit}>
      {canBeJob && (
        <Check checked={asJob} onChange={setWantsJob}>
          Run as a job: it goes on when this tab is closed, and can be paused or cancelled
        </Check>
      )}
      {needsCount && <CountField count={keysChanged} typed={typed} onType={setTyped} />}
      <Action kind="danger" submit needs="admin" busy={busy} blocked={blocked}>
        Change the TTL of {formatCount(keysChanged, 'key')}
      </Action>
    </form>
  );
}
