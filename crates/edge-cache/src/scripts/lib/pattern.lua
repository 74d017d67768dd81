-- The matcher for the part of a pattern that SCAN does not match itself (src/keyspace/pattern/search.rs packs it).
--
-- Returns a function that tests a name, and the weight of the pattern: about how many nanoseconds it costs per byte of a name. Each part
-- between two stars is searched from the end of the previous match, and no star is tried again, so the cost stays linear.
local function matcher(packed)
  local parts = { cmsgpack.unpack(packed) }
  local count = #parts
  local function matches_at(name, i, from)
    if parts[i] == 1 then return string.find(name, '^' .. parts[i + 2], from) ~= nil end
    return string.sub(name, from, from + parts[i + 1] - 1) == parts[i + 2]
  end
  local function fits(name)
    local from = parts[3] + 1
    if #name < parts[3] or not matches_at(name, 2, 1) then return false end
    if count == 4 then return #name == parts[3] end
    local tail = #name - parts[count - 1] + 1
    for i = 5, count - 3, 3 do
      local first, last = string.find(name, parts[i + 2], from, parts[i] == 0)
      if not first or last >= tail then return false end
      from = last + 1
    end
    return from <= tail and matches_at(name, count - 2, tail)
  end
  return fits, parts[1]
end

