-- Keeps an analysis, and discards the oldest.
-- KEYS: 1 the analyses (a stream)
-- ARGV: 1 the most analyses, 2 its summary, 3 the analysis, 4 the job that made it, or ''
-- Reply: its id; the summaries in one string of MessagePack, an id and a summary for each, oldest first
-- Cost: copies the stream, which has at most 3 MB.

-- A full server refuses writes that may grow until the script has deleted something. An analysis matters most then.
redis.pcall('XDEL', KEYS[1], '0-1')

local id
for _, kept in ipairs(ARGV[4] ~= '' and redis.call('XRANGE', KEYS[1], '-', '+') or {}) do
  if kept[2][6] == ARGV[4] then id = kept[1] end
end
id = id or redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[1], '*', 'run', ARGV[2], 'analysis', ARGV[3], 'job', ARGV[4])

local packed = {}
for i, kept in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do packed[i] = cmsgpack.pack(kept[1], kept[2][2]) end
return { id, table.concat(packed) }
