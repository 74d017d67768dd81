-- Gives a worker the lease of a queue and a job of it: one that has to be settled, else one whose worker is gone, else the oldest in the
-- queue.
-- KEYS: 1 the records, 2 the states, 3 the lease, 4 a key that never exists
-- ARGV: 1 the worker, 2 the lease in ms, 3 the queue: 'walks' or 'warmups'
-- Reply: 'idle' when there is no work, which ends the worker's lease; or 'busy' and the milliseconds left of another worker's lease; or
--        'job', its id, its state, its record. A job of the queue is running once the worker has saved it
-- Cost: proportional to the number of jobs, at most about 1,000: a millisecond.
redis.call('DEL', KEYS[4])
local ids, state_of = all_jobs(KEYS[2])
local function is_of_queue(record)
  -- In texts of a record, quotation marks are escaped.
  local is_warmup = string.find(record, '"kind":"warmup"', 1, true) ~= nil
  return is_warmup == (ARGV[3] == 'warmups')
end
local function first(is_wanted)
  for _, id in ipairs(ids) do
    if is_wanted(state_of[id]) then
      local record = redis.call('HGET', KEYS[1], id)
      -- Another client may have removed the record.
      if not record then redis.call('HDEL', KEYS[2], id) elseif is_of_queue(record) then return id, record end
    end
  end
end
local id, record = first(function(state) return SETTLING[state] end)
if not id then id, record = first(function(state) return state == 'running' end) end
if not id then id, record = first(function(state) return state == 'queued' end) end

local holder = redis.call('GET', KEYS[3])
if not id then
  if holder == ARGV[1] then redis.call('DEL', KEYS[3]) end
  return { 'idle' }
end
if holder and holder ~= ARGV[1] then
  local left = redis.call('PTTL', KEYS[3])
  -- Another client's value without an expiry holds no lease.
  if left > 0 then return { 'busy', left } end
end
redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2])
return { 'job', id, state_of[id], record }
