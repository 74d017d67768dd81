// Looks at one key with the library's eyes.
import { useId, useState } from 'preact/hooks';
import { bytes, milliseconds, plural, seconds, ttl } from '../../lib/format';
import { now } from '../../state/live';
import { Action } from '../../ui/action';
import { Badge, Tags, Trouble } from '../../ui/notes';
import { useTask } from '../../ui/use-task';
import { Value } from '../keys/value';
import { freshness, look, type Seen, storage } from './library';

const TONES = { fresh: 'ok', 'in grace': 'warn', expired: 'bad', unknown: 'info' };

export function Inspector() {
  const [typed, setTyped] = useState('');
  const [seen, setSeen] = useState<Seen | null>(null);
  const { busy, problem, run } = useTask();
  const id = useId();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (typed !== '') void run(async () => setSeen(await look(typed)));
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
      {problem && <Trouble problem={problem} what="Inspecting" />}
      {seen && problem === null && <Facts seen={seen} />}
    </section>
  );
}

function Facts({ seen }: { seen: Seen }) {
  const { detail, companion, lockLeft, rule } = seen;
  const passed = Math.floor((now.value - seen.seenAt) / 1000);
  const found = freshness(detail.ttl, companion, passed);
  return (
    <>
      <dl class="facts">
        <dt>Freshness</dt>
        <dd>
          <Badge tone={TONES[found.state]}>{found.state}</Badge> {sayFreshness(found, companion !== null, detail.ttl)}
        </dd>
        <dt>Grace</dt>
        <dd>{sayGrace(found.graceLeft, companion?.grace)}</dd>
        <dt>Age</dt>
        <dd class="num">{found.age === null ? 'not known' : seconds(Math.floor(found.age))}</dd>
        <dt>Load took</dt>
        <dd class="num">{companion ? milliseconds(companion.load) : 'not known'}</dd>
        <dt>Stored</dt>
        <dd>
          {detail.type === 'string' ? bytes(detail.length) : plural(detail.length, 'element')},{' '}
          {storage(detail, companion)}; {bytes(detail.sizeBytes)} in memory
        </dd>
        <dt>Tags</dt>
        <dd>
          <Tags tags={detail.tags} />
        </dd>
        <dt>Lock</dt>
        <dd>
          {lockLeft === null
            ? 'free: nobody is loading it'
            : `held: somebody is loading it, at most ${ttl(Math.max(0, lockLeft - passed))} more`}
        </dd>
        <dt>TTL rule</dt>
        <dd>{rule === null ? 'not known' : `${rule.prefix} → ${seconds(rule.ttl)} (${rule.source})`}</dd>
      </dl>
      <details>
        <summary>Value</summary>
        <Value
          detail={detail}
          elements={Array.isArray(detail.value) && detail.valueFormat === 'elements' ? detail.value : []}
        />
      </details>
    </>
  );
}

function sayFreshness(found: ReturnType<typeof freshness>, hasCompanion: boolean, keyTtl: number): string {
  if (found.state === 'fresh') return `for ${seconds(Math.floor(found.freshLeft ?? 0))} more`;
  if (found.state === 'in grace') return 'past its TTL: served while one caller loads it again';
  if (found.state === 'expired') return 'gone since it was looked at';
  const life = keyTtl < 0 ? 'never expires' : `expires in ${ttl(keyTtl)}`;
  return hasCompanion ? life : `not stored through the library's get_or_set, so nothing is kept of its age; ${life}`;
}

function sayGrace(left: number | null, grace: number | undefined): string {
  if (left === null || grace === undefined) return 'not known';
  return grace === 0 ? 'none' : `${seconds(grace / 1000)} in all, ${seconds(Math.floor(left))} left`;
}
