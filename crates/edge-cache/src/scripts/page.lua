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
local call, try = redis.call, redis.pcall
local limit, budget = tonumber(ARGV[4]), tonumber(ARGV[5])

local had = {}
for i = 6, #ARGV do had[ARGV[i]] = true end
local resuming = #ARGV > 5

local page, seen, size = {}, {}, 0

local function scan(from, count)
  if kind == '' then return call('SCAN', from, 'MATCH', pattern, 'COUNT', count) end
  return call('SCAN', from, 'MATCH', pattern, 'COUNT', count, 'TYPE', kind)
end

-- What to ask for where so many fit: a little less. About a third of the steps give a key or two more, and one that does not fit is
-- made again.
local function fitting(room) return room > 10 and room - 2 or room end

local inside, spent, count = 0, 0, fitting(limit)
if resuming then count = 1 end
repeat
  local room = limit - size
  local step = scan(cursor, count)
  spent = spent + count
  local less = 1
  while #step[2] > room and count > 1 do
    count = math.max(1, math.min(count, room) - less)
    less = 2 * less
    step = scan(cursor, count)
    spent = spent + count
  end
  local before = size
  for _, name in ipairs(step[2]) do
    local known = seen[name]
    if not known and resuming then known = had[string.sub(redis.sha1hex(name), 1, 16)] end
    if not known then
      if size == limit then inside = room; break end
      size = size + 1
      page[size] = name
      seen[name] = true
    end
  end
  if inside > 0 then break end
  cursor = step[1]
  -- Few matches: look further at once. Else ask for what still fits.
  if size == before then count = math.min(count * 2, 1000) else count = math.max(fitting(limit - size), 1) end
until cursor == '0' or size == limit or spent >= budget

local rows, at = {}, 0
for _, name in ipairs(page) do
  local bytes = try('MEMORY', 'USAGE', name)
  if type(bytes) ~= 'number' then bytes = -1 end
  rows[at + 1] = name
  rows[at + 2] = call('TYPE', name).ok
  rows[at + 3] = call('PTTL', name)
  rows[at + 4] = bytes
  at = at + 4
end
return { cursor, inside, call('DBSIZE'), at > 0 and cmsgpack.pack(unpack(rows)) or '' }
