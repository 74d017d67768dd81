-- Reads the fences that a reader has to know: all whose removal has not finished, or finished a short while ago.
-- KEYS: 1 the fences
-- Reply: epoch ('' without a stream: nothing follows), then for each entry its id, kind and what it covers; the newest entry is always there
-- Cost: in proportion to the stream. Asked once a connection.
local entries = redis.pcall('XRANGE', KEYS[1], '-', '+')
if entries.err or not entries[1] then return { '' } end

local finished, newest = finished_removals(entries), entries[#entries][1]
local reply = { entries[1][1] }
for _, entry in ipairs(entries) do
  local since = finished[entry[1]]
  if is_of_key(entry[2][1]) or entry[2][1] == 'end' then since = milliseconds_of(entry[1]) end
  local is_over = entry[2][1] == 'begin' or entry[2][1] == 'trimmed' or since and milliseconds_of(newest) - since >= RETAIN_MS
  if entry[1] == newest or not is_over then
    reply[#reply + 1] = entry[1]
    reply[#reply + 1] = entry[2][1]
    reply[#reply + 1] = entry[2][2]
  end
end
return reply
