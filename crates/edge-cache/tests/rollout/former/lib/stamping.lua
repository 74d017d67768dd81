-- A part of the scripts of old instances.
local function stamp(fences)
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  return last[1] and last[1][1] or first_fence(fences, '4294967296', 'begin', '')
end
