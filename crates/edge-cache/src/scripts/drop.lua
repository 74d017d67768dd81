-- Removes what a load found to be there no more, if the lock is still ours, and releases it.
-- KEYS: 1 the key, 2 its lock
-- ARGV: 1 the owner's random value
-- Reply: 1 when it was ours, else 0
-- Cost: constant, and per chunk.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
forget({ KEYS[1] })
redis.call('UNLINK', KEYS[1])
release(KEYS[2])
return 1
