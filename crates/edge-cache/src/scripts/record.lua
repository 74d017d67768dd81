-- Writes a record of the audit trail while there are few of its kind within a minute, and counts it in any case.
-- KEYS: 1 the counter of its kind, 2 the audit trail, 3 the counters of the administration
-- ARGV: 1 records in a minute, 2 the record, 3 about how many records the trail keeps, 4.. names of counters with what to add
-- Reply: how many there were in this minute, milliseconds until that starts again
-- Cost: constant.
local come = redis.call('INCR', KEYS[1])
if come == 1 then redis.call('PEXPIRE', KEYS[1], 60000) end
if come <= tonumber(ARGV[1]) then
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', 'record', ARGV[2])
end
-- Counts are worth no failure.
for i = 4, #ARGV, 2 do redis.pcall('HINCRBY', KEYS[3], ARGV[i], ARGV[i + 1]) end
return { come, redis.call('PTTL', KEYS[1]) }
