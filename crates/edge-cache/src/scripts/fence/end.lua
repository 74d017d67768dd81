-- Records that the removal of an invalidation has finished.
-- KEYS: 1 the fences, 2 a key that never exists
-- ARGV: 1 the fence's id
-- Reply: 1 when the stream still has the fence, else 0
-- Cost: constant, but for a trim now and then.
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
-- Lets Redis accept a write although its memory is full.
redis.call('DEL', KEYS[2])
local id = redis.pcall('XADD', KEYS[1], '*', 'end', ARGV[1])
-- Where Redis refuses it all the same, the next invalidation of the same kind says it as well.
if type(id) == 'string' then trim_fences(KEYS[1], id) end
return 1
