// Changes of several named keys: one request for each thousand, as many as the API accepts.
import * as api from '../../api/endpoints';
import type { ExpireRequest, Text } from '../../api/types';
import type { KeyRef } from '../../lib/key-name';

const MAX_KEYS = 1000;

export interface ClearedKeys {
  deleted: number;
  markedStale: number;
}

/** Deletes keys, or marks them stale. */
export async function clearKeys(
  refs: readonly KeyRef[],
  mode: { mode?: 'soft'; softGraceSeconds?: number },
): Promise<ClearedKeys> {
  const done = { deleted: 0, markedStale: 0 };

  for (const keys of batches(refs)) {
    const { stats } = await api.invalidate({ keys, ...mode });
    done.deleted += stats.keysInvalidated;
    done.markedStale += stats.keysMarkedStale ?? 0;
  }
  return done;
}

/** Changes the TTL of keys. Returns the number of those that changed. */
export async function expireKeys(refs: readonly KeyRef[], change: ExpireRequest): Promise<number> {
  let changed = 0;

  for (const keys of batches(refs)) {
    const { stats } = await api.expire({ ...change, keys });
    changed += stats.keysChanged;
  }
  return changed;
}

function batches(refs: readonly KeyRef[]): Text[][] {
  const names = refs.map((ref): Text => ('key' in ref ? ref.key : { base64: ref.keyBase64 }));
  return Array.from({ length: Math.ceil(names.length / MAX_KEYS) }, (_, index) =>
    names.slice(index * MAX_KEYS, (index + 1) * MAX_KEYS),
  );
}
