-- Records that the removal of an invalidation has finished.
-- KEYS: 1 the fences, 2 a key that never exists
-- ARGV: 1 the fence's id
-- Reply: 1 when the stream still has the fence, else 0
-- Cost: constant, but for a trim now and then.
-- Lets Redis accept a write although its memory is full.
redis.call('DEL', KEYS[2])
return end_fence(KEYS[1], ARGV[1]) and 1 or 0
