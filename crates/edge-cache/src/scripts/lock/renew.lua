-- Renews the lease of a lock that the caller still holds.
-- KEYS: 1 the lock
-- ARGV: 1 the owner's random value, 2 the lease in ms, more than 0
-- Reply: 1 when the caller held it, else 0
-- Cost: constant.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
