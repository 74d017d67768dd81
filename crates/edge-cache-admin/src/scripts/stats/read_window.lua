-- Reads the counters of lookups and the samples, from which recent rates are computed.
-- KEYS: 1 the counters of lookups (a hash), 2 the samples (a stream)
-- ARGV: 1 the most samples, 2 keys that the caller reads besides these two, all of which exist
-- Reply: services' lookups that hit, services' lookups that missed, own reads that hit, own reads that missed; then two for each
--        sample, newest first: its id and its JSON
-- Cost: reads all counters (at most about 900 small fields) and samples (at most 32).
local sums = { hit = 0, near = 0, stale = 0, miss = 0, own_hits = 0, own_misses = 0 }
local counters = redis.pcall('HGETALL', KEYS[1])
for i = 1, #counters, 2 do
  local kind = string.match(counters[i], '[^:]*$')
  if sums[kind] then sums[kind] = sums[kind] + (tonumber(counters[i + 1]) or 0) end
end
local reply = { sums.hit + sums.near + sums.stale, sums.miss, sums.own_hits, sums.own_misses }

local samples = redis.pcall('XREVRANGE', KEYS[2], '+', '-', 'COUNT', ARGV[1])
for _, sample in ipairs(samples) do
  reply[#reply + 1] = sample[1]
  reply[#reply + 1] = sample[2][2]
end

-- These two reads are own reads, too. A replica or a full server refuses this write, which must not fail the reading.
if #counters > 0 then redis.pcall('HINCRBY', KEYS[1], ':own_hits', tonumber(ARGV[2]) + 2) end
return reply
