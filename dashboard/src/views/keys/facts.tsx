// The facts of a key: type, TTL, freshness, size and tags. Times count down.
import type { ComponentChildren } from 'preact';
import type { KeyDetail } from '../../api/types';
import { formatBytes, formatNumber, formatTtl } from '../../lib/format';
import { now } from '../../state/live';
import { Tags } from '../../ui/tags';
import { formatTimeLeft, isStale, secondsLeft } from './sorting';

interface Props {
  detail: KeyDetail;
  /** Milliseconds since 1970. */
  readAt: number;
}

/** `children` are further facts. */
export function Facts({ detail, readAt, children }: Props & { children?: ComponentChildren }) {
  const left = secondsLeft(detail.ttl, readAt, now.value);

  return (
    <dl class="facts">
      <dt>Type</dt>
      <dd>
        <span class={`kind ${detail.type}`}>{detail.type}</span> <span class="muted">{detail.encoding}</span>
      </dd>
      <dt>TTL</dt>
      <dd class={`num${left === 0 ? ' error' : ''}`}>{describeTtl(detail, left)}</dd>
      {left > 0 && <Freshness detail={detail} readAt={readAt} />}
      <dt>Size</dt>
      <dd class="num">
        {formatBytes(detail.sizeBytes)} <span class="muted">in memory</span>
      </dd>
      <dt>Tags</dt>
      <dd>
        <Tags tags={detail.tags} />
      </dd>
      {children}
    </dl>
  );
}

function describeTtl(detail: KeyDetail, left: number): string {
  if (left === 0) return 'expired';
  if (left < 0) return 'never expires';
  // A TTL with a text of its own is in seconds already.
  const inSeconds = detail.ttlText === undefined && left >= 60 ? ` (${formatNumber(left)} s)` : '';
  return formatTimeLeft(detail, left) + inSeconds;
}

/** Shown only for an entry with a grace, whose freshness ends before its TTL in Redis. */
function Freshness({ detail, readAt }: Props) {
  if (detail.freshFor === null || detail.freshFor === detail.ttl) return null;
  const stale = isStale({ ...detail, readAt }, now.value);
  const freshLeft = formatTtl(secondsLeft(detail.freshFor, readAt, now.value));

  return (
    <>
      <dt>Fresh</dt>
      <dd class={stale ? 'warn' : ''}>
        {stale ? 'stale: past its TTL, served in its grace' : `for ${freshLeft} more, then served in its grace`}
      </dd>
    </>
  );
}
