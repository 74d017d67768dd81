-- Gives a worker the lease and a job: one that has to be settled, else one whose worker is gone, else the oldest in the queue.
-- KEYS: 1 the records, 2 the states, 3 the lease, 4 a key that never exists
-- ARGV: 1 the worker, 2 the lease in ms
-- Reply: 'busy' and the milliseconds left of another worker's lease; or 'idle' when there is no work, which ends the worker's lease; or
--        'job', its id, its state before, its record
-- Cost: proportional to the number of jobs, at most about 1,000: a millisecond.
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[3])
  -- Another client's value without an expiry holds no lease.
  if left > 0 then return { 'busy', left } end
end

redis.call('DEL', KEYS[4])
local ids, state_of = all_jobs(KEYS[2])
local function first(is_wanted)
  for _, id in ipairs(ids) do
    if is_wanted(state_of[id]) then return id end
  end
end
local id = first(function(state) return SETTLING[state] end)
  or first(function(state) return state == 'running' end)
  or first(function(state) return state == 'queued' end)
if not id then
  redis.call('DEL', KEYS[3])
  return { 'idle' }
end

local record = redis.call('HGET', KEYS[1], id)
if not record then
  -- Another client has removed the record.
  redis.call('HDEL', KEYS[2], id)
  return { 'busy', 1 }
end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
if state_of[id] == 'queued' then redis.call('HSET', KEYS[2], id, 'running') end
return { 'job', id, state_of[id], record }
