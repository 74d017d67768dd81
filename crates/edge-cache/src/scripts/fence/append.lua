-- Records an invalidation, so that readers are not served what it covers, and loads in flight are not stored.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the registration of near caches
-- ARGV: 1 its kind, 2 what it covers
-- Reply: the fence's id, and for how many milliseconds from now near caches may not know it
-- Cost: constant, but for a trim now and then.
return { append_fence(KEYS[1], KEYS[2], ARGV[1], ARGV[2]), near_interval(KEYS[3]) }
