-- Removes what a load found to be there no more, if the lock is still ours, and releases it.
-- KEYS: 1 the key, 2 its lock, 3 the fences, 4 what callers wait at
-- ARGV: 1 the owner's random value, 2 the stamp taken before the load, 3 the number of the load, 4 the value
-- Reply: 1 when it was ours, else 0
-- Cost: constant, and per chunk.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
forget({ KEYS[1] })
redis.call('UNLINK', KEYS[1])
release(KEYS[2])
-- Whoever waits now may have it, unless an invalidation has come since the load began: then who waited before that.
hand_over(KEYS[4], fences_since(KEYS[3], ARGV[2]) and (tonumber(ARGV[3]) or 0) or nil, ARGV[4])
return 1
