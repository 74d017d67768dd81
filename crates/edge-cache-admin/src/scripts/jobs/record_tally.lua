-- Stores what a part of a full analysis has tallied, if the part is where the worker has read it.
-- KEYS: 1 the part
-- ARGV: 1 the cursor that was read, 2 the run id, 3 the next cursor, 'end' after the last slice, 4 the TTL of the part in ms, 5 keys visited
--       so far, 6 what was tallied so far
-- Reply: 'ok', or 'moved' with nothing stored
-- Cost: constant; copies up to about 500 KB where there are very many groups.
local elsewhere = check_part(KEYS[1], ARGV[2], ARGV[1], '')
if elsewhere then return { 'moved' } end
redis.call('HSET', KEYS[1], 'cursor', ARGV[3], 'walked', ARGV[5], 'matched', ARGV[5], 'tally', ARGV[6])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return { 'ok' }
