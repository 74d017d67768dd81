// Short names for the schemas of openapi.yaml.
import type { components, operations } from './openapi';

type Schemas = components['schemas'];

export type Role = 'viewer' | 'operator' | 'admin';
export type Stats = Schemas['Stats'];
export type Alert = Schemas['Alert'];
export type Node = Schemas['Node'];
export type Health = Schemas['HealthUp'] | Schemas['HealthDown'];
export type FindingKind = Schemas['HealthFinding']['kind'];
export type KeyRow = Schemas['KeyRow'];
export type PageNode = Schemas['PageNode'];
export type KeyPage = Schemas['KeyPage'];
export type KeyDetail = Schemas['KeyDetail'];
/** The form in which a value is downloaded. */
export type ValueForm = NonNullable<Schemas['InspectRequest']['download']>;
export type LoadLock = Schemas['LoadLock'];
export type Text = Schemas['Text'];
export type Element = Schemas['Element'];
export type ExpiryRequest = Schemas['ExpiryRequest'];
export type ClearRequest = Schemas['ClearRequest'];
export type ClearReport = Schemas['ClearReport'];
export type ExpireRequest = Schemas['ExpireRequest'];
export type ExpireReport = Schemas['ExpireReport'];
export type TtlHistogram = Schemas['TtlHistogram'];
export type InvalidateRequest = Schemas['InvalidateRequest'];
export type InvalidateReport = Schemas['InvalidateReport'];
export type TtlTable = Schemas['TtlTable']['data']['table'];
export type History = Schemas['History'];
export type HistoryRow = Schemas['HistoryRow'];
export type ServiceLookups = Schemas['ServiceLookups'];
export type Mark = Schemas['Mark'];
export type SlowlogPage = Schemas['SlowlogPage'];
export type SlowEntry = Schemas['SlowEntry'];
export type SlowGroup = Schemas['SlowGroup'];
export type HistoryQuery = NonNullable<operations['getHistory']['parameters']['query']>;
export type AuditQuery = NonNullable<operations['listAudit']['parameters']['query']>;
export type AuditPage = Schemas['AuditPage'];
export type AuditRecord = Schemas['AuditRecord'];
export type ProblemBody = Schemas['Problem'];
export type KeysQuery = NonNullable<operations['listKeys']['parameters']['query']>;

export type Job = Schemas['Job'];
export type JobState = Schemas['JobState'];
export type ChangedJob = Schemas['ChangedJob'];
export type ExecuteRequest = Schemas['ExecuteRequest'];
export type JobChange = 'pause' | 'resume' | 'cancel';
export type JobPage = operations['listJobs']['responses'][200]['content']['application/json']['data'];

export type Warmup = Schemas['Warmup'];
export type WarmupModule = Schemas['WarmupModule'];
export type WarmupReport = Schemas['WarmupReport'];
export type WarmupRequest = Schemas['WarmupRequest'];
export type WarmupPlan = Schemas['WarmupPlan'];
export type PlannedModule = WarmupPlan['modules'][number];

export type Analysis = Schemas['Analysis'];
export type AnalysisFigures = Schemas['AnalysisFigures'];
export type AnalysisGroup = Schemas['AnalysisGroup'];
export type AnalysisTtl = Schemas['AnalysisTtl'];
export type AnalysisRequest = Schemas['AnalysisRequest'];
export type TypeSizes = Schemas['TypeSizes'];
export type Estimate = Schemas['Estimate'];
export type LargeKey = Schemas['LargeKey'];

export type HotKeys = Schemas['HotKeys'];
export type HotKeysQuery = NonNullable<operations['getHotKeys']['parameters']['query']>;
export type HotKey = Schemas['HotKey'];
export type HotModule = Schemas['HotModule'];
export type Alerts = Schemas['AlertsReport'];
export type EntryEditRequest = Schemas['EntryEditRequest'];
export type EditedValue = Schemas['EditedValue'];
export type Webhook = Alerts['webhooks'][number];
