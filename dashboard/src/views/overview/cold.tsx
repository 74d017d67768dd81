// Redis restarted and the cache is cold: services load everything anew until a warmup, or their lookups, have filled it.
import type { Stats } from '../../api/types';
import { formatCount, formatSeconds } from '../../lib/format';
import { href } from '../../state/route';
import { Action } from '../../ui/action';
import { AlertBox } from '../../ui/alert-box';
import { Failure } from '../../ui/notes';
import { isCold } from '../states';
import { isRunning, problem, starting, startWarmup } from '../warmup/store';
import { recent } from './past';

export function ColdCache({ stats }: { stats: Stats }) {
  if (!isCold(stats, keysBefore(stats))) return null;
  const { uptimeSeconds, keyCount } = stats;

  return (
    <div class="states">
      <AlertBox
        tone="info"
        title="Redis started recently, and the cache is cold"
        figure={`${formatCount(keyCount, 'key')}, up for ${formatSeconds(uptimeSeconds ?? 0)}`}
        cause="Lookups miss until the cache is filled again. The schedule warms it up within 30 s if a plan is configured."
        action={
          <>
            <Action kind="primary" small needs="admin" busy={starting.value} onAct={() => void startWarmup({})}>
              Warm up now
            </Action>
            <a href={href('warmup')}>{isRunning() ? 'See the progress' : 'See the plan'}</a>
          </>
        }
      />
      {problem.value && <Failure problem={problem.value} action="The warmup" />}
    </div>
  );
}

/** The most keys in the last hour before the restart, as the history has them. */
function keysBefore({ uptimeSeconds }: Stats): number | null {
  const startedAt = Date.now() - (uptimeSeconds ?? 0) * 1000;
  const before = (recent.value?.rows ?? []).filter(({ at }) => Date.parse(at) < startedAt);
  return before.length === 0 ? null : Math.max(...before.map(({ keys }) => keys ?? 0));
}
