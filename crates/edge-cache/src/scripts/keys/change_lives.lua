-- Changes the expiry of keys of one slot, and the trailers of those that are entries, unless a key was written since its trailer was read.
-- KEYS: 1 the registration of near caches, 2 the near fences, 3 a key that never exists; then the names, up to 700
-- ARGV: 1 the keys to change: 'any', 'longer' those that live longer than the new expiry, 'shorter' those that live shorter, 'endless'
--       those without an expiry; 'stale' any, but none gets a longer life; 2 milliseconds, or '': keys with no more left do not get a
--       longer life, because their store may not be confirmed yet; then four for each key: the trailer that was read, '' for a foreign
--       value; the number of bytes at the end to replace, and their replacement; milliseconds until the key expires, '' to remove the
--       expiry
-- Reply: per key 1 when it was changed, 0 when the value was written in between, 2 when it needs no change or is gone
-- Cost: a few commands a key; 700 are a few milliseconds. No value is copied.
local change, changed, reply = lives_changer(ARGV[1], tonumber(ARGV[2])), {}, {}
-- A full server accepts the writes of a script that has deleted something.
redis.call('DEL', KEYS[3])
for i = 4, #KEYS do
  local at = 4 * i - 13
  reply[i - 3] = change(KEYS[i], ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], ARGV[at + 3])
  if reply[i - 3] == 1 then changed[#changed + 1] = KEYS[i] end
end
if near_interval(KEYS[1]) > 0 then append_near_fences(KEYS[2], changed) end
return reply
