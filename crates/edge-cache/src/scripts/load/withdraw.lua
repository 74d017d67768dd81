-- Removes a provisional value that a fence covers, if it is still the caller's.
-- KEYS: 1 the key, 2 its lock
-- ARGV: 1 the owner's random value
-- Reply: 1 when the caller held the lock, else 0
-- Cost: constant.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
