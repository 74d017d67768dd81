// The keys and the modules that services look up most, with what the cache saves them.
import { useEffect, useState } from 'preact/hooks';
import type { HotKey, HotKeys as Found, HotModule } from '../../api/types';
import { formatBytes, formatCount, formatMilliseconds, formatNumber, formatPercent } from '../../lib/format';
import { refOf } from '../../lib/key-name';
import { escapeGlob } from '../../lib/pattern';
import { href, navigate, route } from '../../state/route';
import { Name } from '../../ui/name';
import { Empty, Failure, Loading } from '../../ui/notes';
import { num, Table } from '../../ui/table';
import { hotKeys, hotProblem, watchHotKeys, WINDOWS } from './hot-store';

const DEFAULT_MINUTES = 60;
const FIRST_KEYS = 15;

export function HotKeys() {
  const minutes = minutesInAddress();
  useEffect(() => watchHotKeys(minutes), [minutes]);
  const { value } = hotKeys;
  const problem = hotProblem.value;

  return (
    <section aria-label="Hot keys">
      <div class="view-head">
        <h2>Hot keys</h2>
        <WindowChoice minutes={minutes} />
        {value && value.lookups > 0 && <span class="muted num">{describeWindow(value)}</span>}
      </div>
      {problem && <Failure problem={problem} action="Reading the hot keys" />}
      {value === null && problem === null && <Loading what="hot keys" />}
      {value !== null && value.keys.length === 0 && (
        <Empty>No lookups in this window. Services that use the library count them.</Empty>
      )}
      {value !== null && value.keys.length > 0 && (
        <>
          <Modules modules={value.modules} />
          <p class="muted">
            Only keys with many lookups are counted one by one. The <a href={href('overview')}>overview</a> has every
            module, with the time of its loads.
          </p>
          <Keys keys={value.keys} />
        </>
      )}
      {value !== null && <Frequencies found={value} />}
    </section>
  );
}

function minutesInAddress(): number {
  const named = Number(route.value.query.get('minutes'));
  return WINDOWS.find(([minutes]) => minutes === named)?.[0] ?? DEFAULT_MINUTES;
}

function WindowChoice({ minutes }: { minutes: number }) {
  return (
    <div class="ranges" role="group" aria-label="Window">
      {WINDOWS.map(([value, label]) => (
        <button
          key={value}
          type="button"
          class="button small"
          aria-pressed={value === minutes}
          onClick={() => navigate('performance', { minutes: String(value) }, true)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

function describeWindow({ lookups, instances, keys }: Found): string {
  const error = keys[0]?.maxError ?? 0;
  const accuracy = error > 0 ? `; a count may be off by ${formatNumber(error)}` : '';
  return `${formatCount(lookups, 'lookup')} by ${formatCount(instances, 'instance')}${accuracy}`;
}

const FIGURES = [num('Share'), num('Hit rate'), num('Loads'), num('Time saved'), num('Sent by Redis')];

function Modules({ modules }: { modules: readonly HotModule[] }) {
  return (
    <Table label="Lookups by module" heads={['Module', num('Lookups'), ...FIGURES]} kind="card">
      {modules.map((module) => (
        <tr key={module.module}>
          <th scope="row" class="mono">
            <a href={href('keys', { pattern: `${escapeGlob(module.module)}:*` })}>
              <Name text={module.module} />
            </a>
          </th>
          <td class="num strong">{formatNumber(module.lookups)}</td>
          <Figures of={module} />
        </tr>
      ))}
    </Table>
  );
}

function Keys({ keys }: { keys: readonly HotKey[] }) {
  const ranked = keys.filter(isRanked);
  const others = keys.length - ranked.length;

  return (
    <>
      {others > 0 && (
        <p class="muted">
          {formatCount(others, 'key has', 'keys have')} too few lookups to rank: the counts may be off by more than they
          are.
        </p>
      )}
      {ranked.length > 0 && <Ranked keys={ranked} />}
    </>
  );
}

/** The count of a key says more than its error. */
export function isRanked({ lookups, maxError }: Pick<HotKey, 'lookups' | 'maxError'>): boolean {
  return maxError < lookups;
}

function Ranked({ keys }: { keys: readonly HotKey[] }) {
  const [showsAll, setShowsAll] = useState(false);

  return (
    <>
      <Table label="Hot keys" heads={['Key', num('Lookups'), ...FIGURES, num('Average load')]} kind="card">
        {keys.slice(0, showsAll ? undefined : FIRST_KEYS).map((hot) => (
          <tr key={hot.key}>
            <th scope="row" class="mono wrap">
              <a href={href('keys', refOf(hot))}>
                <Name text={hot.key} />
              </a>
            </th>
            <td class="num strong" title={`off by at most ${formatNumber(hot.maxError)}`}>
              {formatNumber(hot.lookups)}
            </td>
            <Figures of={hot} />
            <td class="num">{formatMilliseconds(hot.loadMs)}</td>
          </tr>
        ))}
      </Table>
      {keys.length > FIRST_KEYS && !showsAll && (
        <button type="button" class="button" onClick={() => setShowsAll(true)}>
          Show all {formatNumber(keys.length)}
        </button>
      )}
    </>
  );
}

/** The share of the lookups as a bar and a number, and what the lookups cost and saved. */
function Figures({ of }: { of: HotKey | HotModule }) {
  return (
    <>
      <td class="num">
        <span class="share-cell">
          <span class="track" aria-hidden="true">
            <span style={{ width: `${of.share * 100}%` }} />
          </span>
          {formatPercent(of.share)}
        </span>
      </td>
      <td class={`num${of.hitShare !== null && of.hitShare < 0.7 ? ' error' : ''}`}>{formatPercent(of.hitShare)}</td>
      <td class="num">{formatNumber(of.loads)}</td>
      <td class="num">{formatMilliseconds(of.timeSavedMs)}</td>
      <td class="num">{formatBytes(of.bytesSent)}</td>
    </>
  );
}

/** The frequencies that the server itself counts, whoever reads the keys. */
function Frequencies({ found: { frequencies, frequenciesReason } }: { found: Found }) {
  if (frequencies === null) return <p class="muted">Redis’ own frequencies are not known: {frequenciesReason}.</p>;
  if (frequencies.length === 0) return null;

  return (
    <details>
      <summary>Frequencies that Redis counts, by all clients</summary>
      <Table label="Frequencies" heads={['Key', num('Counter (0 to 255, logarithmic)')]}>
        {frequencies.map((named) => (
          <tr key={named.key}>
            <th scope="row" class="mono wrap">
              <a href={href('keys', refOf(named))}>
                <Name text={named.key} escaped={named.keyBase64 !== undefined} />
              </a>
            </th>
            <td class="num">{named.frequency}</td>
          </tr>
        ))}
      </Table>
    </details>
  );
}
