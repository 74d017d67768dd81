// The figures of Redis. A figure with an alert is marked.
import type { Alert, Stats } from '../../api/types';
import {
  formatBytes,
  formatCount,
  formatMilliseconds,
  formatNumber,
  formatPercent,
  formatSeconds,
} from '../../lib/format';
import { Bar } from '../../ui/bar';

/** Percent of maxmemory from which the bar warns, before there is an alert. */
export const MEMORY_WARNING_PERCENT = 75;

export function Figures({ stats }: { stats: Stats }) {
  return (
    <>
      <dl class="figures">
        <Memory stats={stats} />
        <Figure
          name="Keys"
          value={formatNumber(stats.keyCount)}
          more={`${formatNumber(stats.expiredKeys)} expired so far`}
        />
        <RedisHitRate stats={stats} />
        <Figure
          name="Commands / s"
          value={formatNumber(stats.opsPerSec)}
          more={`PING takes ${formatMilliseconds(stats.latencyMs)}`}
          tone={alertTone(stats, 'latency')}
        />
        <Evictions stats={stats} />
      </dl>
      <Server stats={stats} />
    </>
  );
}

/** The facts of the server, which seldom matter. */
function Server({ stats }: { stats: Stats }) {
  return (
    <dl class="figures minor">
      <Figure name="Version" value={stats.version} more="of Redis" />
      <Figure
        name="Role"
        value={stats.role ?? '–'}
        more={describeReplication(stats)}
        tone={alertTone(stats, 'replica')}
      />
      <Figure
        name="Uptime"
        value={stats.uptimeSeconds === null ? '–' : formatSeconds(stats.uptimeSeconds)}
        more="since Redis started"
      />
      <Figure name="Clients" value={formatNumber(stats.connectedClients)} more="connected" />
    </dl>
  );
}

/** What Redis counts for all its clients: the last minutes when the alert judges them, otherwise since it started. */
function RedisHitRate({ stats }: { stats: Stats }) {
  const window = stats.hitRateWindow;
  const sinceStart = `${formatPercent(stats.hitRatio)} since Redis started`;
  if (window?.source !== 'server') {
    return (
      <Figure name="Hit rate in Redis" value={formatPercent(stats.hitRatio)} more="all clients, since it started" />
    );
  }

  const recent = `of ${formatNumber(window.lookups)} lookups by all clients in ${formatSeconds(window.seconds)}`;
  return (
    <Figure
      name="Hit rate in Redis"
      value={formatPercent(window.ratio)}
      more={`${recent} · ${sinceStart}`}
      tone={alertTone(stats, 'hit_rate')}
    />
  );
}

function Evictions({ stats }: { stats: Stats }) {
  const rate = stats.evictionsPerMinute;
  const recent = rate === null ? 'rate not known yet' : `${formatNumber(rate)} per minute recently`;

  return (
    <Figure
      name="Evictions"
      value={formatNumber(stats.evictedKeys)}
      more={recent}
      tone={alertTone(stats, 'evictions')}
    />
  );
}

function describeReplication(stats: Stats): string {
  const lag = stats.lagSeconds === null ? '' : `, ${formatNumber(stats.lagSeconds)} s behind`;
  if (stats.role === 'replica') return `link to the primary ${stats.linkUp === false ? 'down' : 'up'}${lag}`;
  return stats.connectedReplicas === null
    ? 'number of replicas unknown'
    : `${formatCount(stats.connectedReplicas, 'replica')}${lag}`;
}

function Memory({ stats }: { stats: Stats }) {
  const limit = stats.maxMemoryBytes ?? 0;
  const usagePercent = stats.usagePercent ?? 0;
  const tone = alertTone(stats, 'memory') || (usagePercent > MEMORY_WARNING_PERCENT ? 'warn' : 'ok');

  return (
    <div class="figure wide">
      <dt>Memory</dt>
      <dd>
        <span class="value">{formatBytes(stats.memoryBytes)}</span>
        <span class="more">
          {limit > 0 && `of ${formatBytes(limit)} · ${formatNumber(stats.usagePercent)} % used`}
          {stats.maxMemoryBytes === 0 && 'no limit is set (maxmemory)'}
          {stats.maxMemoryBytes === null && 'limit unknown'}
        </span>
        {limit > 0 && <Bar label="Memory used" percent={usagePercent} tone={tone} />}
        {stats.fragmentationRatio !== null && (
          <span class="more">fragmentation {stats.fragmentationRatio.toFixed(2)}</span>
        )}
      </dd>
    </div>
  );
}

interface FigureProps {
  name: string;
  value: string;
  more: string;
  tone?: '' | 'bad';
}

function Figure({ name, value, more, tone = '' }: FigureProps) {
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

function alertTone(stats: Stats, kind: Alert['kind']): '' | 'bad' {
  return stats.alerts.some((alert) => alert.kind === kind) ? 'bad' : '';
}
