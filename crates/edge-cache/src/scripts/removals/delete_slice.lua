-- Removes the keys of one slice that match a gathered pattern. After the last slice, the fences of the walk end.
-- KEYS: 1 the state, 2 the patterns, 3 the announcement, 4 a key that never exists, 5 the fences, 6 the patterns of soft purges, of
--       which this walk has none
-- ARGV: 1 the next turn's number, 2 the head for SCAN, 3 how many keys to visit at most, 4 how many prefixes follow, then these; the rest is
--       other patterns, each with its packed parts
-- Reply: empty when the next turn has begun; else 1 while the walk goes on, 0 at its end; number of keys that it has removed so far and
--        that count; 0
-- Cost: a slice of 1,000 keys that all go takes about two milliseconds (lib/walk.lua).
if next_turn(KEYS[1]) ~= ARGV[1] then return {} end
redis.call('DEL', KEYS[4])

local cursor, counted = delete_covered(redis.call('HGET', KEYS[1], 'cursor'), ARGV[2], tonumber(ARGV[3]), 4)
local position = ''
if cursor ~= '0' then position = cursor end
return advance_walk(position, counted, 0)
