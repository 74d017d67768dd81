-- Records an invalidation of named keys, where they are in other slots than the fences, or are marked stale: while a warmup runs, a fence
-- for each keeps it from storing an old value.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the warmup lock
-- ARGV: 1 the kind of the fences; then the keys, up to 1,000
-- Reply: number of fences
-- Cost: one command a key, but for a trim now and then; constant while no warmup runs.
if not exists(KEYS[3]) then return 0 end
for i = 2, #ARGV do append_fence(KEYS[1], KEYS[2], ARGV[1], ARGV[i]) end
return #ARGV - 1
