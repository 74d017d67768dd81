-- Stores counts and cursor of a part of a job, or of several that walk together, after a slice that plain commands walked: for servers that
-- refuse scripts without keys, and for keys that are marked stale.
-- KEYS: 1 the part
-- ARGV: 1 the next cursor, 'end' after the last slice, '' to stay, 2 the TTL of the part in ms; the slice adds: 3 keys walked; then for each
--       job: the end of the names of its counts, keys matched, removed, failed
-- Reply: 1 at the end of the walk, else 0; keys walked, for each job keys matched, removed, failed so far
-- Cost: a few commands for each job.

-- A full server accepts the writes of a script that has deleted something.
redis.call('DEL', KEYS[1] .. ':none')
if ARGV[1] ~= '' then redis.call('HSET', KEYS[1], 'cursor', ARGV[1]) end
local reply = { 0, redis.call('HINCRBY', KEYS[1], 'walked', ARGV[3]) }
for i = 4, #ARGV, 4 do
  reply[#reply + 1] = redis.call('HINCRBY', KEYS[1], 'matched' .. ARGV[i], ARGV[i + 1])
  reply[#reply + 1] = redis.call('HINCRBY', KEYS[1], 'removed' .. ARGV[i], ARGV[i + 2])
  reply[#reply + 1] = redis.call('HINCRBY', KEYS[1], 'failed' .. ARGV[i], ARGV[i + 3])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('HGET', KEYS[1], 'cursor') == 'end' then reply[1] = 1 end
return reply
