-- Reads what the next row of the history begins at, if a row is due.
-- KEYS: 1 rows of minutes (a stream), 2 the counters at the newest row (a string)
-- ARGV: 1 the minute that is to be written, in milliseconds, 2 milliseconds of a quarter of an hour
-- Reply: the newest row's minute (0: none); then, if a row is due, the counters at it, and the rows of the quarter that has ended in
--        one string of MessagePack, an id and a row for each ('' unless a quarter has ended)
-- Cost: one read; every 15 minutes a further one of at most 15 rows.
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if not newest then return { 0, '', '' } end

local last, minute, quarter_ms = tonumber(string.match(newest[1], '^%d+')), tonumber(ARGV[1]), tonumber(ARGV[2])
local known = string.match(newest[1], '^%d+')
if last >= minute then return { known, '', '' } end

local quarter = last - last % quarter_ms
local packed = {}
if quarter < minute - minute % quarter_ms then
  for _, row in ipairs(redis.call('XRANGE', KEYS[1], string.format('%.0f', quarter), newest[1])) do
    packed[#packed + 1] = cmsgpack.pack(row[1], row[2][2])
  end
end
return { known, redis.call('GET', KEYS[2]) or '', table.concat(packed) }
