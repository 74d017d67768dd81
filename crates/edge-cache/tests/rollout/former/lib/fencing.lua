-- A part of the scripts of old instances.
local function fence(fences, kind, what)
  redis.call('DEL', 'cache:none')
  return redis.call('XADD', fences, 'MAXLEN', '~', 1000, '*', kind, what)
end
