// Names for what openapi.yaml describes, and for the parts of warmups that an older application does not answer with.
import type { components, operations } from './openapi';

type Schemas = components['schemas'];

export type Role = 'viewer' | 'operator' | 'admin';
export type Stats = Schemas['Stats'];
export type Alert = Schemas['Alert'];
export type Health = Schemas['HealthUp'] | Schemas['HealthDown'];
export type KeyRow = Schemas['KeyRow'];
export type KeyPage = Schemas['KeyPage'];
export type KeyDetail = Schemas['KeyDetail'];
export type Text = Schemas['Text'];
export type Element = Schemas['Element'];
export type ExpiryRequest = Schemas['ExpiryRequest'];
export type ClearRequest = Schemas['ClearRequest'];
export type ClearReport = Schemas['ClearReport'];
export type InvalidateRequest = Schemas['InvalidateRequest'];
export type InvalidateReport = Schemas['InvalidateReport'];
export type TtlTable = Schemas['TtlTable']['data']['table'];
export type AuditPage = Schemas['AuditPage'];
export type AuditRecord = Schemas['AuditRecord'];
export type ProblemBody = Schemas['Problem'];
export type KeysQuery = NonNullable<operations['listKeys']['parameters']['query']>;

/** A warmup under way or over. What is optional came later than the rest. */
export type Warmup = Omit<Schemas['Warmup'], 'state'> & {
  state: Schemas['Warmup']['state'] | 'cancelled';
  dryRun?: boolean;
  keysPerSecond?: number;
  estimatedSecondsLeft?: number | null;
};
export type WarmupModule = Schemas['WarmupModule'];

export interface WarmupRequest {
  modules?: string[];
  force?: boolean;
  dryRun?: boolean;
}

/** What warmups load, and when: `GET /api/cache/warmup/plan`. */
export interface WarmupPlan {
  modules: PlannedModule[];
  schedule: {
    intervalSeconds: number | null;
    lastAt: string | null;
    lastReason: string | null;
    nextAt: string | null;
    lastCheckAt: string | null;
  } | null;
}

export interface PlannedModule {
  name: string;
  priority: number;
  entries: { key: string; shape: string; source: string; ttlSeconds: number | null; tags: string[] }[];
  lastRun: {
    finishedAt: string;
    by: string;
    state: string;
    keysCreated: number;
    keysSkipped: number;
    errors: number;
    durationMs: number;
  } | null;
}
