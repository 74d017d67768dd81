-- Ends a failed load whose stale value is served: for a while nobody else tries, as long as there is that value.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 how long, in ms
-- Reply: 1 when the caller held the lock, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], THROTTLED, 'PX', ARGV[2])
return 1
