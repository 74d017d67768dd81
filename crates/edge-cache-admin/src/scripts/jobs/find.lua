-- Reads a job.
-- KEYS: 1 the records, 2 the states
-- ARGV: 1 the job's id
-- Reply: empty when there is no such job; else its state, its record
-- Cost: constant.
local state, record = redis.call('HGET', KEYS[2], ARGV[1]), redis.call('HGET', KEYS[1], ARGV[1])
if not (state and record) then return {} end
return { state, record }
