-- Lets go the fences of a removal that was given up, so that readers are served again what it has left. A fence stays open while an earlier
-- one of the same kind is: its end would finish that one, too, whose removal still works. The schedule then finishes what is left open.
-- KEYS: 1 the fences, 2 a key that never exists
-- ARGV: ids of fences
-- Reply: how many were let go
-- Cost: in proportion to the number of fences in the stream, at most 10,000: some milliseconds.
redis.call('DEL', KEYS[2])
local entries = redis.pcall('XRANGE', KEYS[1], '-', '+')
if entries.err then return 0 end

local finished, is_withdrawn, withdrawn = finished_removals(entries), {}, 0
for _, id in ipairs(ARGV) do is_withdrawn[id] = true end
local function has_earlier(id, kind, what)
  for _, entry in ipairs(entries) do
    if entry[1] == id then return false end
    local is_same = entry[2][1] == kind and entry[2][2] == what
    if is_same and not finished[entry[1]] and not is_withdrawn[entry[1]] then return true end
  end
  return true
end

for _, entry in ipairs(entries) do
  local id, kind, what = entry[1], entry[2][1], entry[2][2]
  if is_withdrawn[id] and not finished[id] and not has_earlier(id, kind, what) then
    if end_fence(KEYS[1], id) then withdrawn = withdrawn + 1 end
  end
end
return withdrawn
