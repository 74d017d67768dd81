-- Reads values that are not past their TTL.
-- KEYS: the names, up to 1,000
-- Reply: per key one: the value, or nil
-- Cost: three commands a value; 1,000 are about a millisecond.
local values = redis.call('MGET', unpack(KEYS))
for i, name in ipairs(KEYS) do
  local companion = 'cache:meta:{' .. name .. '}'
  if values[i] and may_be_there(companion) then
    local grace = redis.pcall('HGET', companion, 'grace')
    local left = redis.call('PTTL', name)
    if left >= 0 and left <= (type(grace) == 'string' and tonumber(grace) or 0) then values[i] = false end
  end
end
return values
