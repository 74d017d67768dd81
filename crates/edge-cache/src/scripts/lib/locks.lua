-- Load locks. A lock is a string with an expiry: another client's value under its name, of another type or without an expiry, blocks
-- nobody. After a failed load it is held by nobody and says so. Where a stale value is served, callers who find it removed or dead load.
-- Where there is none, the lock has the error, which is the answer of all callers.
local THROTTLED = 'throttled'
local FAILED = 'failed\n'

-- Returns 0 when nobody holds the lock, 1 when an owner does, 2 when it only keeps callers from loading who have a value, 3 and the error
-- when it only keeps the failure of a load.
local function hold_of(lock, key)
  if not probably_exists(lock) or redis.call('TYPE', lock).ok ~= 'string' or redis.call('PTTL', lock) <= 0 then return 0 end
  local holder = redis.call('GET', lock)
  if holder == THROTTLED then return exists(key) and 2 or 0 end
  if string.sub(holder, 1, #FAILED) == FAILED then return 3, string.sub(holder, #FAILED + 1) end
  return 1
end
