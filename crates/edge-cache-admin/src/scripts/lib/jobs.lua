-- Jobs: their records and states, each in a hash by the jobs' ids (src/jobs.rs). Ids are ordered by the time of their creation.

-- States of jobs that have ended, and of those whose end has still to be recorded.
local ENDED = { done = true, failed = true, cancelled = true }
local SETTLING = { finishing = true, failing = true, cancelling = true }

-- Returns the ids of all jobs, oldest first, and their states.
local function all_jobs(states)
  local ids, state_of = {}, {}
  local fields = redis.call('HGETALL', states)
  for i = 1, #fields, 2 do
    ids[#ids + 1] = fields[i]
    state_of[fields[i]] = fields[i + 1]
  end
  table.sort(ids)
  return ids, state_of
end
