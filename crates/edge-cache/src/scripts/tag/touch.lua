-- Counts as a use of the sets of an entry's tags, so that a server that evicts does not take them before their keys. The sets live at least
-- as long as the key, and one that was evicted all the same gets the key back.
-- KEYS: 1 the key; then the sets
-- ARGV: 1 the life in ms of a set whose key has no expiry
-- Reply: 1 when the key exists, else 0
-- Cost: a few commands a tag.
if not exists(KEYS[1]) then return 0 end
local left = redis.call('PTTL', KEYS[1])
for i = 2, #KEYS do add_to_tag(KEYS[i], left >= 0 and left or ARGV[1], KEYS[1]) end
return 1
