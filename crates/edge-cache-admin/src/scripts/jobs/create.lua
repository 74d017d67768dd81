-- Creates a job, and removes ended jobs that are too old or too many.
-- KEYS: 1 the records, 2 the states, 3 a key that never exists
-- ARGV: 1 the job's id, 2 its record, 3 the most unfinished jobs, 4 the most jobs that are kept, 5 the id before which ended jobs are
--       removed, 6 the job's state
-- Reply: 1 when it was created, 0 when too many are unfinished
-- Cost: proportional to the number of jobs, at most about 1,000: a millisecond.
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
redis.call('HSET', KEYS[2], ARGV[1], ARGV[6])
return 1
