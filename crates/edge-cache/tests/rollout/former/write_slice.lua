-- A script of old instances.
if ARGV[3] ~= '' and redis.call('GET', 'lock:cache:warmup') ~= ARGV[3] then return { 'lost' } end
local fenced = ARGV[2] ~= '' and fences_since(KEYS[1], ARGV[2])
if fenced then return fenced end
local force = ARGV[1] == '1'
local written, skipped, bytes, refused, reason = {}, 0, 0, 0, ''
local writers = { list = 'RPUSH', hash = 'HSET', zset = 'ZADD' }
local names = { unpack(KEYS, 2) }
local companions = companions_of(names)
local some_known = has_companions() and in_slices('EXISTS', companions) > 0
local function set(key, value, ttl)
  if force then return redis.pcall('SET', key, value, 'PX', ttl) end
  return redis.pcall('SET', key, value, 'PX', ttl, 'NX')
end
local function fill(key, shape, ttl, first, last)
  if not force and redis.call('EXISTS', key) == 1 then return false end
  redis.call('UNLINK', key)
  for from = first, last, 4000 do
    local outcome = redis.pcall(writers[shape], key, unpack(ARGV, from, math.min(from + 3999, last)))
    if type(outcome) == 'table' and outcome.err then
      redis.call('UNLINK', key)
      return outcome
    end
  end
  return redis.pcall('PEXPIRE', key, ttl)
end
local function note(key, companion, ttl, tags, chunks)
  if some_known and redis.call('EXISTS', companion) == 1 then
    untag(key, companion, tags)
    forget({ key })
  end
  if tags ~= '' or chunks ~= '' then
    accompany(companion, ttl, 'tags', tags, 'chunks', chunks)
  end
end
local at, entry = 4, 0
while entry < #names do
  local count, shape, ttl, tags, chunks, values = tonumber(ARGV[at]), unpack(ARGV, at + 1, at + 5)
  values, at = tonumber(values), at + 6
  local tagged = {}
  for _ = 1, count do
    entry = entry + 1
    local key, first, last = names[entry], at, at + values - 1
    at = last + 1
    local outcome
    if shape == 'string' then outcome = set(key, ARGV[first], ttl) else outcome = fill(key, shape, ttl, first, last) end
    if not outcome then
      skipped = skipped + 1
    elseif type(outcome) == 'table' and outcome.err then
      refused = refused + 1
      if reason == '' then reason = outcome.err end
    else
      written[#written + 1] = key
      tagged[#tagged + 1] = key
      for i = first, last do bytes = bytes + #ARGV[i] end
      note(key, companions[entry], ttl, tags, chunks)
    end
  end
  if #tagged > 0 then tag_all(tags, ttl, unpack(tagged)) end
end
unlink(locks_of(written))
return { 'written', #written, skipped, bytes, refused, reason }
