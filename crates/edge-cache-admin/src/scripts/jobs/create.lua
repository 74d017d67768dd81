-- Creates a job, and lets go those that ended too long ago, or are too many.
-- KEYS: 1 the records, 2 the states, 3 a key that never exists
-- ARGV: 1 the job's id, 2 its record, 3 how many jobs may be unfinished at most, 4 how many are kept at most, 5 the id before which ended
--       jobs are let go
-- Reply: 1 when it was created, 0 when too many are unfinished
-- Cost: in proportion to the number of jobs, at most about 1,000: a millisecond.
redis.call('DEL', KEYS[3])
local ids, state_of = all_jobs(KEYS[2])
local unfinished, kept = 0, #ids
for _, id in ipairs(ids) do
  if not ENDED[state_of[id]] then unfinished = unfinished + 1 end
end
if unfinished >= tonumber(ARGV[3]) then return 0 end

for _, id in ipairs(ids) do
  if ENDED[state_of[id]] and (id < ARGV[5] or kept >= tonumber(ARGV[4])) then
    redis.call('HDEL', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
    kept = kept - 1
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], 'queued')
return 1
