-- Counts the keys of slots.
-- ARGV: slots of this node, at most 4,096
-- Reply: the numbers of their keys in one string of MessagePack; an empty one where the server refuses CLUSTER
-- Cost: about 2 ms for 4,096 slots.
local packed = {}
for i, slot in ipairs(ARGV) do
  local keys = redis.pcall('CLUSTER', 'COUNTKEYSINSLOT', slot)
  if type(keys) ~= 'number' then return '' end
  packed[i] = cmsgpack.pack(keys)
end
return table.concat(packed)
