-- Load locks. A lock is a string with an expiry: another client's value under its name, of another type or without an expiry, blocks
-- nobody. After a failed load it is held by nobody and says so: callers are served the stale value, and where that was removed or is dead,
-- they load.
local THROTTLED = 'throttled'

-- Returns 0 when nobody holds the lock, 1 when an owner does, 2 when it only keeps callers from loading who have a value.
local function hold_of(lock, key)
  if not probably_exists(lock) or redis.call('TYPE', lock).ok ~= 'string' or redis.call('PTTL', lock) <= 0 then return 0 end
  if redis.call('GET', lock) ~= THROTTLED then return 1 end
  return exists(key) and 2 or 0
end
