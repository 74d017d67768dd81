-- Releases a lock that the caller still holds.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value
-- Reply: 1 when the caller held it, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
