-- Changes when a key expires, and with it its companion and the chunks of its value. Its tags' sets live as long as it.
-- KEYS: 1 the key, 2 its companion
-- ARGV: 1 milliseconds, or '' to keep the key for ever
-- Reply: 1 when the key exists, else 0; then its PTTL
-- Cost: constant, and per tag and chunk.
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0, -2 } end
local companion = redis.pcall('HMGET', KEYS[2], 'tags', 'chunks')
if companion.err then companion = {} end
local keys, sharing = { KEYS[1], KEYS[2] }, {}
for tag in string.gmatch(companion[1] or '', '[^\n]+') do sharing[#sharing + 1] = 'cache:tags:' .. tag end
local id, count = string.match(companion[2] or '', '^(%w+) (%d+)$')
for i = 1, tonumber(count or 0) do keys[#keys + 1] = 'cache:chunk:{' .. KEYS[1] .. '}:' .. id .. ':' .. i end
if count then sharing[#sharing + 1] = 'cache:chunked' end

local life = tonumber(ARGV[1])
local function expire(key)
  if life then redis.call('PEXPIRE', key, life) else redis.call('PERSIST', key) end
end
for _, key in ipairs(keys) do expire(key) end
-- What other keys need too is only prolonged.
for _, key in ipairs(sharing) do
  local left = redis.call('PTTL', key)
  if left >= 0 and (not life or left < life) then expire(key) end
end
return { 1, redis.call('PTTL', KEYS[1]) }
