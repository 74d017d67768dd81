-- Writes a slice of entries, each whole or not at all.
-- KEYS: 1 the fences; then per entry two: the key, its companion
-- ARGV: 1 '1' to overwrite what exists; 2 the stamp taken before the values were loaded, '' for values that were not;
--       then per entry: shape, TTL in ms, tags (joined by newlines, '' = none),
--       chunks ('' or, for a manifest, the chunks' id and number),
--       number of values, the values (string: one; list: elements; hash: field, value ...; zset: score, member ...)
-- Reply: 'written', number written, number left alone because the key exists, bytes of the values written,
--        number refused by the server, its first refusal or ''; or what fences_since replies, and then nothing is written
-- Cost: in proportion to the values; the caller keeps a slice to 1,000 entries and 4 MiB.
local fenced = ARGV[2] ~= '' and fences_since(KEYS[1], ARGV[2])
if fenced then return fenced end

local force, at = ARGV[1] == '1', 3
local written, skipped, bytes, refused, reason = 0, 0, 0, 0, ''
local writers = { list = 'RPUSH', hash = 'HSET', zset = 'ZADD' }

local function fill(key, shape, ttl, first, last)
  -- One command replaces whatever was there, or changes nothing.
  if shape == 'string' then return redis.pcall('SET', key, ARGV[first], 'PX', ttl) end
  redis.call('UNLINK', key)
  -- Lua can spread only so many values over a call.
  for from = first, last, 4000 do
    local outcome = redis.pcall(writers[shape], key, unpack(ARGV, from, math.min(from + 3999, last)))
    if type(outcome) == 'table' and outcome.err then
      redis.call('UNLINK', key)
      return outcome
    end
  end
  return redis.pcall('PEXPIRE', key, ttl)
end

-- What belongs to a key goes with it: its companion, and the chunks of a value stored in several.
local function forget(key, companion)
  local id, count = string.match(redis.pcall('HGET', companion, 'chunks') or '', '^(%w+) (%d+)$')
  for i = 1, tonumber(count or 0) do redis.call('UNLINK', 'cache:chunk:{' .. key .. '}:' .. id .. ':' .. i) end
  redis.call('UNLINK', companion)
end

local function write(key, companion, shape, ttl, tags, chunks, first, last)
  local outcome = fill(key, shape, ttl, first, last)
  if type(outcome) == 'table' and outcome.err then return outcome.err end
  -- Tags that a key had before and has no more must be known as such, or its old tags would still remove it.
  local tagged = redis.call('EXISTS', companion) == 1
  forget(key, companion)
  redis.call('UNLINK', 'lock:{' .. key .. '}')
  if tags ~= '' or tagged or chunks ~= '' then
    redis.call('HSET', companion, 'tags', tags, 'life', ttl, 'chunks', chunks)
    redis.call('PEXPIRE', companion, ttl)
  end
end

for entry = 1, (#KEYS - 1) / 2 do
  local key, companion = KEYS[2 * entry], KEYS[2 * entry + 1]
  local shape, ttl, tags, chunks = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local values = tonumber(ARGV[at + 4])
  local first, last = at + 5, at + 4 + values
  at = last + 1
  if not force and redis.call('EXISTS', key) == 1 then
    skipped = skipped + 1
  else
    local refusal = write(key, companion, shape, ttl, tags, chunks, first, last)
    if refusal then
      refused = refused + 1
      if reason == '' then reason = refusal end
    else
      written = written + 1
      for i = first, last do bytes = bytes + #ARGV[i] end
    end
  end
end
return { 'written', written, skipped, bytes, refused, reason }
