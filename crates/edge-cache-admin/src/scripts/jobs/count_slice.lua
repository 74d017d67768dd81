-- Counts the keys of a slice of a dry run, and remembers their names as hashes.
-- KEYS: 1 the part, 2 the hash of the names
-- ARGV: 1 the TTL of the part in ms, 2 that of the names, 3 the server's run id, 4 the cursor of the slice, 5 the mark, 6 the next cursor
--       ('end' after the last slice), 7 how many pairs of counts follow; these pairs: a count's name, a number to add; then pairs of a field of the names and the hashes,
--       8 bytes each, to append to it
-- Reply: 'moved' when the part is elsewhere; or 'ok', cursor, mark, run id, the counts
-- Cost: two commands for each field that gets hashes; 1,000 are one to two milliseconds.
local moved = check_part(KEYS[1], ARGV[3], ARGV[4], ARGV[5])
if moved then return moved end

local added, first = {}, 8 + 2 * tonumber(ARGV[7])
for i = 8, first - 1, 2 do added[ARGV[i]] = tonumber(ARGV[i + 1]) end
-- Names that were lost are not begun anew: a part of them would pass for all.
if first < #ARGV and redis.call('HEXISTS', KEYS[2], 'bits') == 1 then
  for i = first, #ARGV, 2 do
    redis.call('HSET', KEYS[2], ARGV[i], (redis.call('HGET', KEYS[2], ARGV[i]) or '') .. ARGV[i + 1])
  end
  redis.call('PEXPIRE', KEYS[2], ARGV[2])
end
advance_part(KEYS[1], ARGV[1], ARGV[6], '', added)
return part_reply(KEYS[1])
