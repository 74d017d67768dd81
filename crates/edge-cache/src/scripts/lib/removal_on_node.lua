-- Removes keys of a Cluster's node one by one: a command over keys of several slots is refused, and on some servers it keeps every script from
-- running from then on.

-- Names that the node does not remove: their slot is leaving or arriving, or the node has become a replica. The caller removes them, wherever they
-- are by then.
local refused = {}
local function unlink(names)
  local sum = 0
  for _, name in ipairs(names) do
    local removed = redis.pcall('UNLINK', name)
    if type(removed) == 'number' then sum = sum + removed else refused[#refused + 1] = name end
  end
  return sum
end
