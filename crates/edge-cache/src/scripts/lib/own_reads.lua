-- Counts administration's own reads, so that they can be subtracted from the hit rate.
--
-- Redis counts the keys that administration reads as lookups, and operators judge a cache by its hit rate. A script runs alone, so
-- Redis' counters before and after it give its reads exactly, whichever commands the server counts. They are added to the library's
-- lookup counters. Cost: two INFO of one section, about 30 us.
local NAMESPACE = ''
local function server_lookups()
  local info = redis.pcall('INFO', 'stats')
  if type(info) ~= 'string' then return end
  return tonumber(string.match(info, 'keyspace_hits:(%d+)')), tonumber(string.match(info, 'keyspace_misses:(%d+)'))
end
local hits_before, misses_before = server_lookups()

-- Call this last. Without samples nobody has read the hit rate yet, and nothing is recorded. A replica or a full server refuses the
-- writes; the script succeeds all the same.
local function record_own_reads()
  if not (hits_before and misses_before) or redis.pcall('EXISTS', 'cache:' .. NAMESPACE .. 'samples') ~= 1 then return end
  local hits, misses = server_lookups()
  local lookups = 'cache:' .. NAMESPACE .. 'lookups'
  if hits > hits_before then redis.pcall('HINCRBY', lookups, ':own_hits', hits - hits_before) end
  if misses > misses_before then redis.pcall('HINCRBY', lookups, ':own_misses', misses - misses_before) end
end

