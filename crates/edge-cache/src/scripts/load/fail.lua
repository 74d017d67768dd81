-- Ends a failed load where no value is served: for a while its error is the answer of all callers.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 how long, in ms, 3 the error
-- Reply: 1 when the caller held the lock, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], FAILED .. ARGV[3], 'PX', ARGV[2])
return 1
