-- Writes rows of hot keys. A row that another schedule has written stays.
-- KEYS: 1 rows of minutes (a stream), 2 rows of hours (a stream)
-- ARGV: 1 the most rows of minutes, 2 the most rows of hours, 3 the hour to write in milliseconds (0 for none), 4 its row, then for each
--       minute, oldest first, its milliseconds and its row
-- Reply: the number of rows written
-- Cost: a write for each row.

-- A full server refuses writes that may grow until the script has deleted something.
redis.pcall('XDEL', KEYS[1], '0-1')

local written = 0
local function add(key, max_rows, at, row)
  -- Redis refuses an id that is not behind the newest one.
  local id = redis.pcall('XADD', key, 'MAXLEN', max_rows, at .. '-0', 'row', row)
  if type(id) == 'string' then written = written + 1 end
end
if ARGV[3] ~= '0' then add(KEYS[2], ARGV[2], ARGV[3], ARGV[4]) end
for i = 5, #ARGV, 2 do add(KEYS[1], ARGV[1], ARGV[i], ARGV[i + 1]) end
return written
