// Titles, units and advice of the alerts, and the view that helps.
import type { Alert } from '../api/types';
import { href } from '../state/route';

export interface Help {
  title: string;
  unit: string;
  advice: string;
  link: string;
  to: string;
}

export const HELP: Record<Alert['kind'], Help> = {
  slots: {
    title: 'The Cluster does not serve all slots',
    unit: 'slots',
    advice: 'Their keys can be neither read nor stored. Start the failed primary again, or promote a replica.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  node: {
    title: 'A primary of the Cluster does not answer',
    unit: 'primaries',
    advice: 'Its keys can be neither read nor stored until it answers or a replica takes over. The figures lack it.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  replica_link: {
    title: 'A replica does not follow its primary',
    unit: 'replicas',
    advice: 'If the primary fails now, data is lost or nothing takes over. Check the replica and its network.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  replica: {
    title: 'This Redis is a replica',
    unit: 's behind',
    advice: 'Nothing can be stored, cleared or invalidated through a replica. Point redis_host at the primary.',
    link: 'Open the audit trail',
    to: href('audit'),
  },
  memory: {
    title: 'Memory is nearly full',
    unit: '%',
    advice: 'Look for what fills it, clear what is no longer needed, give keys a TTL, or raise maxmemory.',
    link: 'See what fills it',
    to: href('memory'),
  },
  latency: {
    title: 'Redis responds slowly',
    unit: 'ms',
    advice: 'Look for slow commands, a busy machine or a slow network.',
    link: 'See the slow commands',
    to: href('performance'),
  },
  evictions: {
    title: 'Keys are evicted before they expire',
    unit: 'keys per minute',
    advice: 'The cache does not fit into memory: raise maxmemory, shorten the TTL of large values, or clear some keys.',
    link: 'See what fills it',
    to: href('memory'),
  },
  hit_rate: {
    title: 'Low hit rate',
    unit: '%',
    advice: 'TTLs may be too short, keys cleared too often, or the cache not warmed up after a restart.',
    link: 'Warm up the cache',
    to: href('warmup'),
  },
};

/** Alerts of what has failed, not of a figure that is past its limit. */
export const STATES: ReadonlySet<Alert['kind']> = new Set(['slots', 'node', 'replica_link', 'replica']);
