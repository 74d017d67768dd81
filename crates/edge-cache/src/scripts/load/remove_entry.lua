-- Ends a load whose source has nothing: removes the entry and releases the lock, if the caller still holds it.
-- KEYS: 1 the key, 2 its lock, 3 the fences, 4 the key's value for waiters, 5 the order of loads and waiters
-- ARGV: 1 the owner's random value, 2 the load's stamp, '' where the fences are in another slot, 3 the load's number, 4 the value
-- Reply: 1 when the caller held the lock, else 0
-- Cost: constant.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end

redis.call('UNLINK', KEYS[1], KEYS[2])

-- All who wait now may take the value. After an invalidation, and where that is not known, only those who waited before the load began.
local below
if ARGV[2] == '' or fences_since(KEYS[3], ARGV[2]) then below = tonumber(ARGV[3]) or 0 end
give_to_waiters(KEYS[4], KEYS[5], below, ARGV[4])
return 1
