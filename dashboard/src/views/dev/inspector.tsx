// Shows one key as the cache library sees it.
import { useId, useState } from 'preact/hooks';
import type { KeyDetail } from '../../api/types';
import { formatBytes, formatCount, formatMilliseconds, formatSeconds, formatTtl } from '../../lib/format';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { Badge } from '../../ui/badge';
import { Failure } from '../../ui/notes';
import { Tags } from '../../ui/tags';
import { useTask } from '../../ui/use-task';
import { elementsOf } from '../keys/elements';
import { Value } from '../keys/value';
import {
  describeLock,
  describeStorage,
  type Freshness,
  freshness,
  inspect,
  type Inspection,
  isChunked,
} from '../keys/inspection';

const TONES = { fresh: 'ok', 'in grace': 'warn', expired: 'bad', unknown: 'info' };

export function Inspector() {
  const [typed, setTyped] = useState('');
  const [inspection, setInspection] = useState<Inspection | null>(null);
  const { busy, problem, run } = useTask();
  const id = useId();

  const submit = (event: Event): void => {
    event.preventDefault();
    if (typed !== '') void run(async () => setInspection(await inspect(typed)));
  };

  return (
    <section class="card inspector" aria-label="Inspector">
      <h2>A key as the library sees it</h2>
      <form class="row" onSubmit={submit}>
        <label class="hidden" for={id}>
          Key
        </label>
        <input
          id={id}
          class="mono grow"
          placeholder="products:popular:list"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <Action submit needs="operator" busy={busy} blocked={typed === '' ? 'Type a key first.' : ''}>
          Inspect
        </Action>
      </form>
      {problem && <Failure problem={problem} action="Inspecting the key" />}
      {inspection && problem === null && <Findings inspection={inspection} />}
    </section>
  );
}

function Findings({ inspection }: { inspection: Inspection }) {
  const { detail } = inspection;

  return (
    <>
      <Facts inspection={inspection} />
      <details>
        <summary>Value</summary>
        <Value detail={detail} elements={elementsOf(detail)} />
      </details>
    </>
  );
}

function Facts({ inspection }: { inspection: Inspection }) {
  const { detail, readAt, rule } = inspection;
  // The clock of the page ticks once a second, so it may be behind.
  const passed = Math.max(0, Math.floor((now.value - readAt) / 1000));
  const found = freshness(detail, passed, now.value);

  return (
    <dl class="facts">
      <dt>Freshness</dt>
      <dd>
        <Badge tone={TONES[found.state]}>{found.state}</Badge> {describeFreshness(found, detail.ttl)}
      </dd>
      <dt>Grace</dt>
      <dd>{describeGrace(found.graceLeft, detail.graceSeconds)}</dd>
      <dt>Age</dt>
      <dd class="num">{found.age === null ? 'not known' : formatSeconds(Math.floor(found.age))}</dd>
      <dt>Load time</dt>
      <dd class="num">{detail.loadMs === null ? 'not known' : formatMilliseconds(detail.loadMs)}</dd>
      <dt>Stored</dt>
      <dd>
        {describeSize(detail)}
        {describeStorage(detail)}; {formatBytes(detail.sizeBytes)} in memory
      </dd>
      <dt>Tags</dt>
      <dd>
        <Tags tags={detail.tags} />
      </dd>
      <dt>Load lock</dt>
      <dd>{describeLock(detail.loadLock, passed)}</dd>
      <dt>TTL rule</dt>
      <dd>{rule === null ? 'not known' : `${rule.prefix} → ${formatSeconds(rule.ttl)} (${rule.source})`}</dd>
    </dl>
  );
}

function describeFreshness({ state, freshFor }: Freshness, ttl: number): string {
  const expiry = ttl < 0 ? 'never expires' : `expires in ${formatTtl(ttl)}`;
  if (state === 'fresh') return freshFor === null ? expiry : `for ${formatSeconds(Math.floor(freshFor))} more`;
  if (state === 'in grace') return 'past its TTL: served while one caller loads it again';
  if (state === 'expired') return 'since it was read';
  return `another client wrote the value, so its age is not recorded; ${expiry}`;
}

function describeGrace(leftSeconds: number | null, graceSeconds: number | null): string {
  if (leftSeconds === null || graceSeconds === null) return 'not known';
  if (graceSeconds === 0) return 'none';
  return `${formatSeconds(graceSeconds)} in all, ${formatSeconds(Math.floor(leftSeconds))} left`;
}

function describeSize(detail: KeyDetail): string {
  if (detail.type === 'string') return `${formatBytes(detail.length)}, `;
  return isChunked(detail) ? '' : `${formatCount(detail.length, 'element')}, `;
}
