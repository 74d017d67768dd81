-- Reads a page of keys, with what a browser shows of each: never more than the limit, and lossless over a whole walk.
-- ARGV: 1 cursor, 2 the literal beginning of names, 3 the parts of the pattern, 4 type or '', 5 limit, 6 the most keys to visit,
--       7 bytes of names on a page (one longer name makes a page of its own), 8 '1' if there are conditions besides the type, 9 to 12
--       these (as lib/conditions.lua takes them), 13.. short hashes of names to leave out
-- Reply: next cursor, how many of the page's last keys are of that cursor's step, which has more (0: none), DBSIZE, then packed,
--        six for each key: name, type, PTTL (-3: past 2^53, for which Lua has no number), bytes of memory (-1 if the server does not
--        report them), its trailer or '', the length of what the trailer closes (0: only the beginning of the trailer is given)
-- Cost: a page ends when it has cost about 3 ms (lib/walk.lua), which is about 10,000 keys with short names.
--
-- A SCAN step cannot be limited to n keys: its last bucket may overshoot. A step that does not fit is repeated with a smaller
-- count, down to one bucket; a bucket that does not fit is returned in parts: the next page starts with the same bucket, and the
-- caller names what it already has of it. (Remembering only a position would lose keys when the table is resized.)
local cursor, head, kind = ARGV[1], ARGV[2], ARGV[4]
local fits, price = matcher(ARGV[3])
local call = redis.call
local limit, max_visited, bytes_left = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local meets = ARGV[8] == '1' and conditions_of('', ARGV[9], ARGV[10], ARGV[11], ARGV[12])

local already_returned = {}
for i = 13, #ARGV do already_returned[ARGV[i]] = true end
local is_resuming = #ARGV > 12

local function was_returned(name)
  return is_resuming and already_returned[string.sub(redis.sha1hex(name), 1, 16)]
end

-- A node of a Cluster does not read keys of a slot that it is importing; the list starts again once it has the slot.
local function meets_conditions(name)
  if not meets then return true end
  spend(3000)
  return meets(name)
end

-- Makes a step. Returns the next cursor, the names that the page does not have yet, their bytes, and the keys visited.
local on_page = {}
local scan = scanner(head, kind)
local function scan_step(from, count)
  local reply, visited = scan(from, count)
  spend(200 * visited)
  local new, bytes = {}, 0
  for _, name in ipairs(reply[2]) do
    spend(300 + #name * (1 + price))
    if not on_page[name] and fits(name) and not was_returned(name) and meets_conditions(name) then
      new[#new + 1] = name
      bytes = bytes + #name
    end
  end
  return reply[1], new, bytes, visited
end

-- The count for a step that has room for so many keys: a little less. About a third of the steps return a key or two more than
-- their count, and one that does not fit is repeated.
local function count_for(room)
  if room > 10 then return room - 2 end
  return room
end
local function first_count()
  if is_resuming or price > 4 then return 1 end
  return math.min(count_for(limit), 16)
end

-- The count for the next step: larger after a step without a match, else what still fits; never more than the page has time for.
local function next_count(count, has_match, visited, room)
  if has_match then
    count = math.max(count_for(room), 1)
  else
    count = math.min(count * 2, 1000)
  end
  if price > 0 then count = math.min(count, visited) end
  return math.min(count, max_at_once(price) or count, affordable(visited))
end

local page, size, unfinished, is_full = {}, 0, 0, false
local visited, count = 0, first_count()
repeat
  local room = limit - size
  local next_cursor, new, bytes, used = scan_step(cursor, count)
  visited = visited + used
  local less = 1
  while used > 1 and (#new > room or bytes > bytes_left) do
    local by_bytes = used
    if bytes > bytes_left then by_bytes = math.floor(used * bytes_left / bytes) end
    count = math.max(1, math.min(used - less, room - less, by_bytes))
    less = 2 * less
    next_cursor, new, bytes, used = scan_step(cursor, count)
    visited = visited + used
  end

  local size_before = size
  for _, name in ipairs(new) do
    if not on_page[name] then
      is_full = size == limit or (size > 0 and #name > bytes_left)
      if is_full then break end
      size = size + 1
      page[size] = name
      on_page[name] = true
      bytes_left = bytes_left - #name
    end
  end
  if is_full then
    unfinished = size - size_before
    break
  end

  cursor = next_cursor
  count = next_count(count, size > size_before, visited, limit - size)
until cursor == '0' or size == limit or bytes_left <= 0 or visited >= max_visited or count < 1

-- Keys of edge-cache have no trailer. A page is bounded, so a long trailer is cut behind its numbers, where its tags begin.
local function bounded_trailer_of(name, type_of_key)
  if is_protected(name) or (type_of_key ~= 'string' and type_of_key ~= 'list') then return '', 0 end
  local trailer, length = trailer_of(name)
  if not trailer then return '', 0 end
  if #trailer > 4096 then return string.sub(trailer, 1, 244), 0 end
  return trailer, length
end

local rows = {}
for _, name in ipairs(page) do
  local type_reply = redis.pcall('TYPE', name)
  -- Where scripts may use only the keys that they declare, the caller reads the page with plain commands.
  if type_reply.err and string.find(type_reply.err, 'undeclared key', 1, true) then return type_reply end
  -- A Cluster's node lists a key whose slot is arriving, but does not read it yet.
  local type_of_key = type_reply.ok or 'unknown'
  local left = redis.pcall('PTTL', name)
  if type(left) ~= 'number' then left = -1 end
  local trailer, length = bounded_trailer_of(name, type_of_key)
  if left >= 9007199254740992 then left = -3 end

  local at = #rows
  rows[at + 1] = name
  rows[at + 2] = type_of_key
  rows[at + 3] = left
  rows[at + 4] = memory_of(name)
  rows[at + 5] = trailer
  rows[at + 6] = length
end

local database_keys = call('DBSIZE')
record_own_reads()
local packed = ''
if #rows > 0 then packed = cmsgpack.pack(unpack(rows)) end
return { cursor, unfinished, database_keys, packed }
