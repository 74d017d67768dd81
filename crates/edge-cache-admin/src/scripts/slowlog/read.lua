-- Reads kept entries of the slow log, newest first.
-- KEYS: 1 the kept entries (a stream)
-- ARGV: 1 the id from which to read, 2 the most entries
-- Reply: number of all entries, then the entries in one string of MessagePack: an id and its JSON for each
-- Cost: one read of at most 2,000 entries of about 250 bytes.
local entries = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local packed = {}
for _, entry in ipairs(entries) do packed[#packed + 1] = cmsgpack.pack(entry[1], entry[2][2]) end
return { redis.call('XLEN', KEYS[1]), table.concat(packed) }
