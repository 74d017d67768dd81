-- Reads what a part of a full analysis has tallied, and creates the part if there is none. After a restart of the server it begins again: a
-- cursor is not valid for another process.
-- KEYS: 1 the part
-- ARGV: 1 the TTL of the part in ms
-- Reply: cursor ('end' after the last slice), run id of the server, what was tallied ('' at the beginning)
-- Cost: constant; copies up to about 500 KB where there are very many groups.
local part, run_id = KEYS[1], run_id_now()
redis.call('DEL', part .. ':none')
local stored = redis.call('HMGET', part, 'cursor', 'run_id', 'tally')
if stored[1] and (stored[1] == 'end' or stored[2] == run_id) then return { stored[1], run_id, stored[3] or '' } end

redis.call('HSET', part, 'cursor', '0', 'mark', '', 'run_id', run_id, 'walked', 0, 'matched', 0, 'removed', 0, 'failed', 0)
redis.call('HDEL', part, 'tally')
redis.call('PEXPIRE', part, ARGV[1])
return { '0', run_id, '' }
