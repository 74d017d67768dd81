-- Reads where the walk of a part of a job is that marks keys stale. A cursor is not valid for another process of the server, which has the
-- keys in another order: the walk then starts again, and counts anew, because keys that are marked already count.
-- KEYS: 1 the part
-- ARGV: 1 the run_id of the process that has the keys of the part's node, 2 the TTL of the part in ms
-- Reply: the cursor, or 'end'
-- Cost: constant.

-- A full server accepts the writes of a script that has deleted something.
redis.call('DEL', KEYS[1] .. ':none')
local stored = redis.call('HMGET', KEYS[1], 'cursor', 'run_id')
local cursor = stored[1]
if cursor and (cursor == 'end' or stored[2] == ARGV[1]) then return cursor end
redis.call('HSET', KEYS[1], 'cursor', '0', 'run_id', ARGV[1], 'walked', '0', 'matched', '0', 'removed', '0', 'failed', '0')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return '0'
