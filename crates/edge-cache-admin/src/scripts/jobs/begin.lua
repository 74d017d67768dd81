-- Begins a scheduled job: stores its record and queues it, unless it was begun or cancelled.
-- KEYS: 1 the records, 2 the states, 3 a key that never exists
-- ARGV: 1 the job's id, 2 its record
-- Reply: 1 when it was begun, else 0
-- Cost: constant.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= 'scheduled' then return 0 end
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], 'queued')
return 1
