-- Counts a denied attempt of one client, and records it while there are few within a minute.
-- KEYS: 1 the client's counter, 2 the audit trail, 3 the counters of the administration
-- ARGV: 1 attempts recorded in a minute, 2 the audit record, 3 about how many records the trail keeps, 4 the counter's name
-- Reply: attempts in this minute, milliseconds until the count starts again
-- Cost: constant.
local attempts = redis.call('INCR', KEYS[1])
if attempts == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end
if attempts <= tonumber(ARGV[1]) then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'record', ARGV[2])
end
-- Counts are worth no failure.
redis.pcall('HINCRBY', KEYS[3], ARGV[4], 1)
return { attempts, redis.call('PTTL', KEYS[1]) }
