-- A part of the scripts of old instances.
local function first_fence(fences, number, kind, what)
  local milliseconds = string.match(redis.call('XADD', fences, '*', kind, what), '^%d+')
  return redis.call('XADD', fences, milliseconds .. '-' .. number, kind, what)
end
