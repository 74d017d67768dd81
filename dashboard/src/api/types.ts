// Short names for the schemas of openapi.yaml.
import type { components, operations } from './openapi';

type Schemas = components['schemas'];

export type Role = 'viewer' | 'operator' | 'admin';
export type Stats = Schemas['Stats'];
export type Alert = Schemas['Alert'];
export type Node = Schemas['Node'];
export type Health = Schemas['HealthUp'] | Schemas['HealthDown'];
export type KeyRow = Schemas['KeyRow'];
export type PageNode = Schemas['PageNode'];
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

export type Warmup = Schemas['Warmup'];
export type WarmupModule = Schemas['WarmupModule'];
export type WarmupReport = Schemas['WarmupReport'];
export type WarmupRequest = Schemas['WarmupRequest'];
export type WarmupPlan = Schemas['WarmupPlan'];
export type PlannedModule = WarmupPlan['modules'][number];
