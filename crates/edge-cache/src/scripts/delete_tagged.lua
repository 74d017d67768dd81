-- Removes members of a tag, but for keys that were written again without it.
-- KEYS: the members, up to 1,000
-- ARGV: 1 the tag
-- Reply: number of keys removed
-- Cost: five constant commands a key; 1,000 are about a millisecond.
-- What belongs to a key goes with it: its companion, and the chunks of a value stored in several.
local function forget(name)
  local companion = 'cache:meta:{' .. name .. '}'
  local id, count = string.match(redis.pcall('HGET', companion, 'chunks') or '', '^(%w+) (%d+)$')
  for i = 1, tonumber(count or 0) do redis.call('UNLINK', 'cache:chunk:{' .. name .. '}:' .. id .. ':' .. i) end
  redis.call('UNLINK', companion)
end

local removed = 0
for _, name in ipairs(KEYS) do
  local companion = 'cache:meta:{' .. name .. '}'
  local tags = redis.pcall('HGET', companion, 'tags')
  -- A key that another client tagged has no companion, and is taken at the set's word.
  local has = type(tags) ~= 'string' or string.find('\n' .. tags .. '\n', '\n' .. ARGV[1] .. '\n', 1, true)
  if has then
    removed = removed + redis.call('UNLINK', name)
    redis.call('UNLINK', 'lock:{' .. name .. '}')
    forget(name)
  end
end
return removed
