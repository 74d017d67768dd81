// How the cache fares: health and its reason, the figures, what to do about alerts, and how it went since the page opened.
import { Bar } from '../ui/bar';
import { Empty, Loading, Trouble } from '../ui/notes';
import type { Stats } from '../api/types';
import { ago, bytes, number, percent } from '../lib/format';
import { health, now, refreshHealth, refreshStats, stats } from '../state/live';
import { Alerts } from './alerts';
import { Charts } from './charts';
import { verdict } from './health';

export function Overview() {
  const { value, problem, at } = stats.value;
  const refresh = (): void => {
    void refreshStats();
    void refreshHealth();
  };
  return (
    <div class={`overview${problem && value ? ' stale' : ''}`}>
      <div class="view-head">
        <h1>Overview</h1>
        <span class="muted grow">{at > 0 && `Updated ${ago(at, now.value)}`}</span>
        <button type="button" class="button small" onClick={refresh}>
          Refresh
        </button>
      </div>
      <HealthCard />
      {problem && !problem.unreached && !problem.redisDown && (
        <Trouble problem={problem} what="Reading the statistics" retry={refresh} />
      )}
      {value === null &&
        (problem === null ? (
          <Loading what="statistics" />
        ) : (
          <Empty>No figures yet: this page asks again every 5 s.</Empty>
        ))}
      {value && (
        <>
          {problem === null && <Alerts stats={value} />}
          <Figures stats={value} />
          <Charts />
        </>
      )}
    </div>
  );
}

function HealthCard() {
  const { tone, word, reason } = verdict();
  const { value, problem } = health.value;
  // Above every view a banner says these two.
  if (problem?.unreached || value?.status === 'unhealthy') return null;
  return (
    <section class={`health-card ${tone}`} aria-label="Health">
      <span class="dot" aria-hidden="true" />
      <strong>{word}</strong>
      <span>{reason}</span>
    </section>
  );
}

function Figures({ stats: s }: { stats: Stats }) {
  const lookups = s.hits + s.misses;
  return (
    <dl class="figures">
      <Memory stats={s} />
      <Figure name="Keys" value={number(s.keyCount)} more={`${number(s.expiredKeys)} expired so far`} />
      <Figure
        name="Hit rate"
        value={percent(s.hitRatio)}
        more={lookups === 0 ? 'no look-up yet' : `of ${number(lookups)} look-ups`}
        tone={alerted(s, 'hit_rate')}
      />
      <Figure
        name="Commands / s"
        value={number(s.opsPerSec)}
        more={`PING takes ${s.latency}`}
        tone={alerted(s, 'latency')}
      />
      <Figure name="Clients" value={number(s.connectedClients)} more="connected" />
      <Figure
        name="Evictions"
        value={number(s.evictedKeys)}
        more={s.evictionsPerMinute === null ? 'rate not known yet' : `${number(s.evictionsPerMinute)} a minute lately`}
        tone={alerted(s, 'evictions')}
      />
      <Figure name="Uptime" value={s.uptime} more="since Redis started" />
      <Figure name="Version" value={s.version} more="of the server" />
    </dl>
  );
}

function Memory({ stats: s }: { stats: Stats }) {
  const limit = s.maxMemoryBytes;
  const tone = alerted(s, 'memory') || ((s.usagePercent ?? 0) > 75 ? 'warn' : 'ok');
  return (
    <div class="figure wide">
      <dt>Memory</dt>
      <dd>
        <span class="value">{bytes(s.memoryBytes)}</span>
        <span class="more">
          {limit > 0 ? `of ${bytes(limit)} · ${number(s.usagePercent)} % used` : 'no limit is set (maxmemory)'}
        </span>
        {limit > 0 && <Bar label="Memory used of the limit" percent={s.usagePercent ?? 0} tone={tone} />}
        {s.fragmentationRatio !== null && <span class="more">fragmentation {s.fragmentationRatio.toFixed(2)}</span>}
      </dd>
    </div>
  );
}

function Figure({ name, value, more, tone = '' }: { name: string; value: string; more: string; tone?: string }) {
  return (
    <div class={`figure ${tone}`}>
      <dt>{name}</dt>
      <dd>
        <span class="value">{value}</span>
        <span class="more">{more}</span>
      </dd>
    </div>
  );
}

function alerted(s: Stats, kind: Stats['alerts'][number]['kind']): '' | 'bad' {
  return s.alerts.some((alert) => alert.kind === kind) ? 'bad' : '';
}
