-- Renews the lease of a claim.
-- KEYS: 1 the key
-- ARGV: 1 the owner's random value, 2 the milliseconds of a lease
-- Reply: 1
-- Cost: constant.
if redis.call('HGET', KEYS[1], 'owner') == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
