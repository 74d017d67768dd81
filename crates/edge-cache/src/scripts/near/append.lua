-- Records that keys were written or removed, where they are in other slots than the fences.
-- KEYS: 1 the registration of near caches, 2 the near fences
-- ARGV: the keys, up to 1,000
-- Reply: for how many milliseconds from now near caches may not know it; 0 while nobody keeps near copies: then nothing is recorded
-- Cost: one command a key.
local interval = near_interval(KEYS[1])
if interval > 0 then append_near_fences(KEYS[2], ARGV) end
return interval
