// Changing when many keys expire: select them, look at their TTLs before and after, then change them.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import * as api from '../../api/endpoints';
import type { ExpireReport } from '../../api/types';
import { formatCount, formatMilliseconds, formatNumber } from '../../lib/format';
import { announce } from '../../state/announce';
import { refreshStats } from '../../state/live';
import { href, keepInHistory, keptInHistory, route } from '../../state/route';
import { Failure } from '../../ui/notes';
import { Histogram } from '../../ui/ttl-histogram';
import { useTask } from '../../ui/use-task';
import { JobPanel } from '../jobs/panel';
import { filterInAddress } from '../keys/filter';
import { Form } from './form';
import { Preview } from './preview';
import { CHANGES, EMPTY_FORM, type ExpiryForm, requestOf } from './request';

type Report = ExpireReport['stats'];
const KEEP_AFTER_MS = 400;

export function Expiry() {
  const [form, setForm] = useState<ExpiryForm>(formToStart);
  useLayoutEffect(() => setForm(formToStart()), [route.value]);
  useKept(form);
  const { preview, changed, jobId, busy, problem, showPreview, change } = useChange(form);

  return (
    <div class="expiry">
      <div class="view-head">
        <h1>Expiry</h1>
        <span class="muted grow">Preview first; nothing is changed until you confirm.</span>
        <a href={href('ttls')}>TTL table of new values</a>
      </div>
      <div class="card">
        <Form form={form} busy={busy} onChange={(changes) => setForm({ ...form, ...changes })} onSubmit={showPreview} />
        {problem && <Failure problem={problem} action={preview ? 'Changing the expiry' : 'The preview'} />}
        {preview && <Preview report={preview} canBeJob={form.by === 'pattern'} busy={busy} onConfirm={change} />}
        {changed && <Changed report={changed} />}
      </div>
      {jobId && <JobPanel key={jobId} id={jobId} hint={<StartedNote />} />}
    </div>
  );
}

/** Previews the change that a form describes, and makes it. */
function useChange(form: ExpiryForm) {
  const [preview, setPreview] = useState<Report | null>(null);
  const [changed, setChanged] = useState<Report | null>(null);
  const [jobId, setJobId] = useState('');
  const { busy, problem, run } = useTask();
  const latest = useRef(form);
  latest.current = form;
  // A preview describes the form as it was.
  useLayoutEffect(() => setPreview(null), [form]);

  const showPreview = async (): Promise<void> => {
    keepInHistory({ expiry: form });
    setChanged(null);
    setPreview(null);

    const { stats } = await api.expire({ ...requestOf(form), dryRun: true });
    if (latest.current !== form) return;
    setPreview(stats);
    announce(`Preview: ${formatCount(stats.keysChanged, 'key')} will change`);
  };
  const change = async (confirmCount: number | null, asJob: boolean): Promise<void> => {
    const request = { ...requestOf(form), ...(confirmCount !== null && { confirmCount }) };
    if (asJob) {
      setJobId((await api.startExpireJob(request)).id);
      setPreview(null);
      announce('The job has started');
      return;
    }
    const { stats } = await api.expire(request);
    setPreview(null);
    setChanged(stats);
    announce(`${formatCount(stats.keysChanged, 'key')} changed`);
    void refreshStats();
  };

  return {
    preview,
    changed,
    busy,
    problem,
    showPreview: () => void run(showPreview),
    jobId,
    change: (confirmCount: number | null, asJob: boolean) => void run(() => change(confirmCount, asJob)),
  };
}

/** The form as it was left; otherwise the pattern, the change and the conditions that a link carries. */
function formToStart(): ExpiryForm {
  const left = keptInHistory() as { expiry?: ExpiryForm } | null;
  if (left?.expiry !== undefined) return left.expiry;

  const { query } = route.value;
  const change = CHANGES.find((known) => known === query.get('change')) ?? EMPTY_FORM.change;
  const { type, minSizeBytes } = filterInAddress(query);
  return { ...EMPTY_FORM, text: query.get('pattern') ?? '', change, type, minSizeBytes };
}

function useKept(form: ExpiryForm): void {
  useEffect(() => {
    const timer = setTimeout(() => keepInHistory({ expiry: form }), KEEP_AFTER_MS);
    return () => clearTimeout(timer);
  }, [form]);
}

function StartedNote() {
  return <p class="hint">The job goes on without this page: close the tab, and find it under Jobs later.</p>;
}

function Changed({ report }: { report: Report }) {
  return (
    <section class="preview" aria-label="Result">
      <h2>
        {formatCount(report.keysChanged, 'key')} changed{' '}
        <span class="muted">
          of {formatNumber(report.keysMatched)} in {formatMilliseconds(report.durationMs)}
        </span>
      </h2>
      <Histogram before={report.ttlBefore} after={report.ttlAfter} />
    </section>
  );
}
