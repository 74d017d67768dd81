-- Changes when a key expires, and with it its companion and the chunks of its value.
-- KEYS: 1 the key, 2 its companion
-- ARGV: 1 milliseconds, or '' to keep the key for ever
-- Reply: 1 when the key exists, else 0; then its PTTL
-- Cost: constant.
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, -2 } end
local keys = { KEYS[1], KEYS[2] }
local id, count = string.match(redis.pcall('HGET', KEYS[2], 'chunks') or '', '^(%w+) (%d+)$')
for i = 1, tonumber(count or 0) do keys[#keys + 1] = 'cache:chunk:{' .. KEYS[1] .. '}:' .. id .. ':' .. i end
for _, key in ipairs(keys) do
  if ARGV[1] == '' then redis.call('PERSIST', key) else redis.call('PEXPIRE', key, ARGV[1]) end
end
return { 1, redis.call('PTTL', KEYS[1]) }
