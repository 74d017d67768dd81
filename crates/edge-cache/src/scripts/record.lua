-- Writes a record of the audit trail while there are few of its kind within a minute, and counts it in any case.
-- KEYS: 1 the counter of those from where it comes, 2 the counter of all of its kind that could be written, 3 the audit trail, 4 the counters of the
--       administration
-- ARGV: 1 records in a minute from there, 2 of its kind, 3 the record, 4 about how many records the trail keeps, 5.. names of
--       counters with what to add
-- Reply: how many came from there in this minute, milliseconds until that starts again
-- Cost: constant.
local function count(counter)
  local come = redis.call('INCR', counter)
  if come == 1 then redis.call('PEXPIRE', counter, 60000) end
  return come
end
local come = count(KEYS[1])
-- What one source sends beyond its own number keeps no other's out.
if come <= tonumber(ARGV[1]) and count(KEYS[2]) <= tonumber(ARGV[2]) then
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[4], '*', 'record', ARGV[3])
end
-- Counts are worth no failure.
for i = 5, #ARGV, 2 do redis.pcall('HINCRBY', KEYS[4], ARGV[i], ARGV[i + 1]) end
return { come, redis.call('PTTL', KEYS[1]) }
