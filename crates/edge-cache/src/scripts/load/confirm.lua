-- Confirms a provisional value that no fence covers: it gets its life, waiters get it, and the lock is released.
-- KEYS: 1 the key, 2 its lock, 3 the key's value for waiters, 4 the order of loads and waiters
-- ARGV: 1 the owner's random value, 2 TTL and grace together in ms, 3 for how long at most a provisional value lives, in ms
-- Reply: 1; 0 when the caller no longer holds the lock (the key was removed or set, or the lease ended), or the value is gone
-- Cost: constant; where somebody waits, in proportion to the value's size.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('UNLINK', KEYS[2])
local left = redis.call('PTTL', KEYS[1])
-- Another client has set the key meanwhile.
if left < 0 or left > tonumber(ARGV[3]) then return 0 end
local confirmed = redis.call('PEXPIRE', KEYS[1], ARGV[2])

local value = probably_exists(KEYS[3]) and redis.pcall('GET', KEYS[1])
if type(value) == 'string' then give_to_waiters(KEYS[3], KEYS[4], nil, value) end
return confirmed
