-- Stands before scripts that tell loads in flight of an invalidation: they must not store what they have read before it. A full
-- server refuses to grow only until a script has removed a name, there or not, and must not refuse this: the removal that follows
-- makes room, and those loads could store.
local function fence(fences, kind, what)
  redis.call('DEL', 'cache:none')
  return redis.call('XADD', fences, 'MAXLEN', '~', 1000, '*', kind, what)
end

-- Makes loads in flight know of an invalidation.
-- KEYS: 1 the fences
-- ARGV: 1 its kind, 2 what it names
-- Reply: the fence's id
-- Cost: constant; about the last 1,000 are kept.
return fence(KEYS[1], ARGV[1], ARGV[2])
