-- Removes keys of a slice of a job's walk by name, with their load locks, and stores counts and cursor in the same step.
-- KEYS: 1 the part, 2 the fences, 3 a key that never exists, 4 the warmup lock, 5 the registration of near caches, 6 the near fences; then
--       the names, up to 700, each once; then their load locks. On a Cluster none
-- ARGV: 1 on a Cluster, the part, in a slot of the node; 2 the TTL of the part in ms, 3 the server's run id, 4 the cursor of the slice,
--       5 the mark, 6 the next cursor ('end' after the last slice), 7 the keys walked, 8 the keys that have appeared since the dry run; on a
--       Cluster, then the names and the load locks
-- Reply: 'refused' and the error, with nothing done, when the node does not serve the part; 'moved' when the part is elsewhere; or 'ok',
--        cursor, mark, run id, the counts, then names that the node refuses to remove
-- Cost: a few commands a key; 700 are a few milliseconds.
local part, is_on_node = KEYS[1] or ARGV[1], #KEYS == 0
local moved = check_part(part, ARGV[3], ARGV[4], ARGV[5])
if moved then return moved end

local given, first = is_on_node and ARGV or KEYS, is_on_node and 8 or 6
local count = (#given - first) / 2
local names, locks = {}, {}
for i = 1, count do
  names[i] = given[first + i]
  locks[i] = given[first + count + i]
end
-- Fences come first: if Redis refuses one, nothing has been removed.
if not is_on_node and exists(KEYS[4]) then
  for _, name in ipairs(names) do append_fence(KEYS[2], KEYS[3], 'key', name) end
end

local removed = unlink(names)
local of_node = refused
refused = {}
unlink(locks)
if not is_on_node and near_interval(KEYS[5]) > 0 then append_near_fences(KEYS[6], names) end
advance_part(part, ARGV[2], ARGV[6], '', {
  walked = tonumber(ARGV[7]), appeared = tonumber(ARGV[8]), matched = #names - #of_node, removed = removed,
})
return part_reply(part, of_node)
