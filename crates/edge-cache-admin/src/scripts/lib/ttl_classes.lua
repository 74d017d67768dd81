-- Classes of keys by how long they live, those of keyspace/bulk_expiry/counts.rs.

local BOUNDS_OF_CLASSES = { 60000, 300000, 3600000, 86400001 }
-- Returns the class of a key by its PTTL, from 1 to 6.
local function class_of(left)
  if left < 0 then return 1 end
  for i, bound in ipairs(BOUNDS_OF_CLASSES) do
    if left < bound then return i + 1 end
  end
  return 6
end

