-- Changes when a key expires, and its companion with it.
-- KEYS: 1 the key, 2 its companion
-- ARGV: 1 milliseconds, or '' to keep the key for ever
-- Reply: 1 when the key exists, else 0; then its PTTL
-- Cost: constant.
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, -2 } end
for _, key in ipairs(KEYS) do
  if ARGV[1] == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[1]) end
end
return { 1, redis.call('PTTL', KEYS[1]) }
