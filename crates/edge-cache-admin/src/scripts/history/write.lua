-- Writes a row of the history, unless somebody else has written one since the counters were read.
-- KEYS: 1 rows of minutes (a stream), 2 rows of quarters of an hour (a stream), 3 the counters at the newest row (a string)
-- ARGV: 1 the newest row's minute in milliseconds when the counters were read (0: none), 2 the minute to write, 3 its row, 4 the
--       counters at it, 5 the most rows of minutes, 6 the quarter to write ('' for none), 7 its row, 8 the most rows of quarters
-- Reply: 1 if it was written, else 0
-- Cost: two or three writes.

-- A full server refuses writes that may grow until the script has deleted something. History matters most then.
redis.pcall('XDEL', KEYS[1], '0-1')

local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if (newest and string.match(newest[1], '^%d+') or '0') ~= ARGV[1] then return 0 end

redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[5], ARGV[2] .. '-0', 'row', ARGV[3])
redis.call('SET', KEYS[3], ARGV[4])
if ARGV[6] ~= '' then
  -- It exists already where only the rows of minutes were removed.
  redis.pcall('XADD', KEYS[2], 'MAXLEN', ARGV[8], ARGV[6] .. '-0', 'row', ARGV[7])
end
return 1
