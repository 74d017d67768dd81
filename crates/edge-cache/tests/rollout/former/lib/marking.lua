-- A part of the scripts of old instances.
local function mark(life)
  local left = redis.call('PTTL', 'cache:chunked')
  if left ~= -1 and left < tonumber(life) then redis.call('SET', 'cache:chunked', 1, 'PX', life) end
end
