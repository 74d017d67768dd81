-- A page of keys, with what a browser shows of each: never more than the limit, and lossless over a whole walk.
-- ARGV: 1 cursor, 2 pattern, 3 type or '', 4 limit, 5 scan budget, 6.. short hashes of names to leave out
-- Reply: next cursor, how many of the page's last keys are of that cursor's step, which is not finished (0: none), DBSIZE,
--        then packed, per key four: name, type, PTTL, bytes of memory (-1 where the server will not say)
-- Cost: one SCAN step visits about COUNT keys; the budget bounds their sum (10,000 keys are about 3 ms).
--
-- A SCAN step cannot be asked for at most n keys: its last bucket may overshoot. A step that does not fit is asked again for a
-- little less, and less again, down to one bucket; a bucket that does not fit is handed out in parts: the next page starts with
-- the same bucket, the caller naming what it has had of it. (To remember only a position would lose keys when the table is
-- resized.)
local cursor, pattern, kind = ARGV[1], ARGV[2], ARGV[3]
local limit, budget = tonumber(ARGV[4]), tonumber(ARGV[5])

local had = {}
for i = 6, #ARGV do had[ARGV[i]] = true end
local resuming = #ARGV > 5

local seen, page = {}, {}

local function step(from, count)
  local scan = { 'SCAN', from, 'MATCH', pattern, 'COUNT', count }
  if kind ~= '' then scan[7] = 'TYPE'; scan[8] = kind end
  local reply = redis.call(unpack(scan))
  local fresh, within = {}, {}
  for _, name in ipairs(reply[2]) do
    local known = seen[name] or within[name]
    if not known and resuming then known = had[string.sub(redis.sha1hex(name), 1, 16)] end
    if not known then within[name] = true; fresh[#fresh + 1] = name end
  end
  return reply[1], fresh
end

local inside, spent, count = 0, 0, limit
if resuming then count = 1 end
repeat
  local room = limit - #page
  local next_cursor, fresh = step(cursor, count)
  spent = spent + count
  local less = 1
  while #fresh > room and count > 1 do
    count = math.max(1, math.min(count, room) - less)
    less = 2 * less
    next_cursor, fresh = step(cursor, count)
    spent = spent + count
  end
  if #fresh > room then
    inside = room
    for i = 1, room do page[#page + 1] = fresh[i] end
    break
  end
  for _, name in ipairs(fresh) do seen[name] = true; page[#page + 1] = name end
  cursor = next_cursor
  -- Few matches: look further at once. Else ask for what still fits.
  if #fresh == 0 then count = math.min(count * 2, 1000) else count = math.max(limit - #page, 1) end
until cursor == '0' or #page == limit or spent >= budget

local rows = {}
for _, name in ipairs(page) do
  local bytes = redis.pcall('MEMORY', 'USAGE', name)
  if type(bytes) ~= 'number' then bytes = -1 end
  rows[#rows + 1] = name
  rows[#rows + 1] = redis.call('TYPE', name).ok
  rows[#rows + 1] = redis.call('PTTL', name)
  rows[#rows + 1] = bytes
end
return { cursor, inside, redis.call('DBSIZE'), #rows > 0 and cmsgpack.pack(unpack(rows)) or '' }
