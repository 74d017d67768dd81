-- Reads an analysis, with the summaries of all that are kept.
-- KEYS: 1 the analyses (a stream)
-- ARGV: 1 an id, or '' for the newest until ARGV[2]; 2 the id until which one is read, '+' for any, '' to read no analysis
-- Reply: its id, the analysis ('' and '' if there is none); the summaries in one string of MessagePack, an id and a summary for each, oldest
--        first. To read no analysis: the id of the newest one, and two empty strings
-- Cost: copies the stream, which has at most 3 MB; one entry to read no analysis.
if ARGV[2] == '' then
  local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  return { newest and newest[1] or '', '', '' }
end

local entry
if ARGV[1] ~= '' then
  entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
else
  entry = redis.call('XREVRANGE', KEYS[1], ARGV[2], '-', 'COUNT', 1)[1]
end
if not entry then return { '', '', '' } end

local packed = {}
for i, kept in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do packed[i] = cmsgpack.pack(kept[1], kept[2][2]) end
return { entry[1], entry[2][4], table.concat(packed) }
