// One key: what is known of it, its value, and what can be done with it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { bytes, number, ttl } from '../../lib/format';
import { isProtected, TRAIL } from '../../lib/pattern';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { Copy } from '../../ui/copy';
import { Loading, RoleWall, Tags, Trouble } from '../../ui/notes';
import { DeleteKey } from './delete';
import { Expiry } from './expiry';
import { left } from './order';
import { walk } from './store';
import { useKey } from './use-key';
import { copyable, Value } from './value';

export function Detail({ path, onClose }: { path: string; onClose: () => void }) {
  const read = useKey(path);
  const [asking, setAsking] = useState<'' | 'ttl' | 'delete'>('');
  const panel = useRef<HTMLElement>(null);
  const { detail, elements, problem, busy } = read;
  const name = detail?.key ?? walk.value?.rows.find((row) => row.path === path)?.key ?? decode(path);

  useEffect(() => {
    // On a narrow screen the panel covers the list.
    if (matchMedia('(max-width: 60rem)').matches) panel.current?.focus();
  }, []);
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Escape' && asking === '') onClose();
  };
  return (
    <section class="detail" aria-label={`Key ${name}`} ref={panel} tabIndex={-1} onKeyDown={onKey}>
      <div class="detail-head">
        <h2 class="mono">{name === '' ? '(empty name)' : name}</h2>
        <Copy text={name} what="name" />
        <button type="button" class="button quiet small" onClick={onClose}>
          Close
        </button>
      </div>
      {read.mayNot !== '' && (
        <RoleWall needs="operator" what="Values may be personal data, so this token may not see them" />
      )}
      {problem && <Trouble problem={problem} what="Reading the key" retry={read.reload} />}
      {busy && detail === null && <Loading what="the key" />}
      {detail && (
        <>
          <Facts read={read} />
          <div class="row actions">
            {name !== TRAIL && (
              <>
                <Action small needs="admin" onAct={() => setAsking('ttl')}>
                  Change TTL
                </Action>
                <Action
                  small
                  kind="danger"
                  needs={isProtected(name) ? 'admin' : 'operator'}
                  onAct={() => setAsking('delete')}
                >
                  Delete
                </Action>
              </>
            )}
            <Action small kind="quiet" busy={busy} onAct={read.reload}>
              Read again
            </Action>
          </div>
          <div class="value-head">
            <h3>Value</h3>
            <span class="muted grow">{describe(detail.valueFormat, elements.length, detail.length)}</span>
            <Copy text={copyable(detail, elements)} what="value" />
          </div>
          <Value detail={detail} elements={elements} />
          {detail.nextCursor !== null && (
            <Action small busy={busy} onAct={() => void read.more()}>
              More elements
            </Action>
          )}
          {asking === 'ttl' && (
            <Expiry path={path} detail={detail} onClose={() => setAsking('')} onDone={read.reload} />
          )}
          {asking === 'delete' && (
            <DeleteKey path={path} detail={detail} onClose={() => setAsking('')} onDone={onClose} />
          )}
        </>
      )}
    </section>
  );
}

function Facts({ read }: { read: ReturnType<typeof useKey> }) {
  const { detail, seenAt } = read;
  if (detail === null) return null;
  const remaining = left(detail.ttl, seenAt, now.value);
  return (
    <dl class="facts">
      <dt>Type</dt>
      <dd>
        <span class={`kind ${detail.type}`}>{detail.type}</span> <span class="muted">{detail.encoding}</span>
      </dd>
      <dt>TTL</dt>
      <dd class={`num${remaining === 0 ? ' error' : ''}`}>
        {remaining === 0 ? 'expired' : remaining < 0 ? 'never expires' : `${ttl(remaining)} (${number(remaining)} s)`}
      </dd>
      <dt>Size</dt>
      <dd class="num">
        {bytes(detail.sizeBytes)} <span class="muted">in memory</span>
      </dd>
      <dt>Tags</dt>
      <dd>
        <Tags tags={detail.tags} />
      </dd>
    </dl>
  );
}

function describe(format: string, loaded: number, length: number): string {
  if (format !== 'elements') return `${format === 'base64' ? 'binary' : format}, ${bytes(length)} stored`;
  return loaded < length ? `${number(loaded)} of ${number(length)} elements` : `${number(length)} elements`;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
