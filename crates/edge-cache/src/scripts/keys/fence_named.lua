-- Records the removal of named keys, where they are in other slots than the fences: while a warmup runs, a fence for each keeps it from
-- storing an old value.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the warmup lock
-- ARGV: the keys, up to 1,000
-- Reply: number of fences
-- Cost: one command a key, but for a trim now and then; constant while no warmup runs.
if not exists(KEYS[3]) then return 0 end
for _, name in ipairs(ARGV) do append_fence(KEYS[1], KEYS[2], 'key', name) end
return #ARGV
