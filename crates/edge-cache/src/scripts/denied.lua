-- Counts a denied attempt of one client within a minute, and records it while it is not yet turned away.
-- KEYS: 1 the client's counter, 2 the audit trail
-- ARGV: 1 attempts allowed in a minute, 2 the audit record, 3 about how many records the trail keeps
-- Reply: attempts in this minute, milliseconds until the count starts again
-- Cost: constant.
local attempts = redis.call('INCR', KEYS[1])
if attempts == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end
if attempts <= tonumber(ARGV[1]) then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'record', ARGV[2])
end
return { attempts, redis.call('PTTL', KEYS[1]) }
