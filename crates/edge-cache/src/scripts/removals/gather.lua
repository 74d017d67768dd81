-- Records invalidations by pattern, and leaves their removal to the gathered walk.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the state, 4 the patterns, 5 the announcement
-- ARGV: the patterns
-- Reply: the number of the turn that the caller is to announce, or ''
-- Cost: constant for each pattern, but for a trim now and then.
ensure_hash(KEYS[3])
ensure_hash(KEYS[4])
for _, pattern in ipairs(ARGV) do
  local id = append_fence(KEYS[1], KEYS[2], 'pattern', pattern)
  redis.call('HSET', KEYS[4], id, pattern)
end
return turn_to_announce(KEYS[3], KEYS[5])
