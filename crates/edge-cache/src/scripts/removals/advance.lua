-- Advances the gathered walk of a Cluster, and one with soft purges, after a slice. After the last slice, the fences of the walk end.
-- KEYS: 1 the state, 2 the patterns, 3 the announcement, 4 a key that never exists, 5 the fences, 6 the patterns of soft purges
-- ARGV: 1 the next turn's number, 2 the walk's position, '' at its end, 3 the number of keys that the slice removed,
--       4 and marked stale
-- Reply: as that of removals/delete_slice.lua, but the last number is that of the keys that the walk has marked stale so far
-- Cost: constant; at the end in proportion to the gathered patterns.
if next_turn(KEYS[1]) ~= ARGV[1] then return {} end
redis.call('DEL', KEYS[4])
return advance_walk(ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))
