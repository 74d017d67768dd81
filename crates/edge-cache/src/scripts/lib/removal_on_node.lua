-- Removes keys of a Cluster's node one by one: a command over keys of several slots is refused, and on some servers it keeps every script from
-- running from then on. A key whose slot has just left the node stays; the walk visits its new node again.
local function unlink(names)
  local sum = 0
  for _, name in ipairs(names) do
    local removed = redis.pcall('UNLINK', name)
    if type(removed) == 'number' then sum = sum + removed end
  end
  return sum
end
