-- Removes keys of one slot and their load locks, and reports for each whether it existed.
-- KEYS: the names, up to 1,000, each once; then their load locks
-- ARGV: 1 '1' if the request names the keys, so that protected ones are removed, too
-- Reply: per key 1 when it was removed, 0 when it did not exist or is spared
-- Cost: one command a key, and a few for all of them.
local count, reply = #KEYS / 2, {}
for i = 1, count do reply[i] = is_spared(KEYS[i], ARGV[1] == '1') and 0 or redis.call('UNLINK', KEYS[i]) end
unlink({ unpack(KEYS, count + 1) })
return reply
