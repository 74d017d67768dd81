-- Stores the record of the caller's job, renews its lease, and moves the job to another state if it still has the expected one.
-- KEYS: 1 the records, 2 the states, 3 the lease, 4 a key that never exists
-- ARGV: 1 the worker, 2 the lease in ms, 3 the job's id, 4 its record, 5 the expected state, 6 the next state
-- Reply: 'lost' when another worker has the lease, 'gone' when there is no such job, else the state that the job has now
-- Cost: constant.
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return 'lost' end
local state = redis.call('HGET', KEYS[2], ARGV[3])
if not state then return 'gone' end

redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[1], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
if state ~= ARGV[5] then return state end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[6])
return ARGV[6]
