-- Notes further tags of a key in its companion.
-- KEYS: 1 the key, 2 its companion
-- ARGV: the tags
-- Reply: 1 when the key exists, else 0
-- Cost: constant per tag.
local left = redis.call('PTTL', KEYS[1])
if left == -2 then return 0 end
local tags = redis.call('HGET', KEYS[2], 'tags') or ''
for _, tag in ipairs(ARGV) do
  if not string.find('\n' .. tags .. '\n', '\n' .. tag .. '\n', 1, true) then
    tags = tags == '' and tag or tags .. '\n' .. tag
  end
end
if redis.pcall('GET', 'cache:meta') == false then redis.call('SET', 'cache:meta', 1) end
redis.call('HSET', KEYS[2], 'tags', tags)
if left > 0 then redis.call('PEXPIRE', KEYS[2], left) end
return 1
