-- Reads what was posted about alerts.
-- KEYS: 1 the state (a hash)
-- Reply: its revision (0: none), its JSON ('' for none)
-- Cost: one read of at most about 200 KB, usually of 10.
if not probably_exists(KEYS[1]) then return { 0, '' } end
local state = redis.call('HMGET', KEYS[1], 'revision', 'state')
return { state[1] or '0', state[2] or '' }
