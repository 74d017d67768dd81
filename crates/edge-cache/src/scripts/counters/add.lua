-- Adds to the counters of a hash, and to the hot keys of a minute. Each kind of counter is kept for so many modules; further modules are
-- counted as 'overflow'.
-- KEYS: 1 the hash, 2 a key that never exists, 3 the hot keys of the minute (a hash), if there are any
-- ARGV: 1 how many modules, 2 how many counters, then for each its field, 'module:kind', and how much to add. With KEYS[3]: how many
--       keys it is reduced to, seconds for which it is kept, lookups, 1 if the instance has not reported in this minute yet, else 0, and
--       keys in one string of MessagePack, for each its name, lookups, variance, hits, loads, microseconds of loads, milliseconds saved,
--       bytes
-- Reply: number of fields
-- Cost: constant per counter and key; if a field is new, one read of all field names; about 0.5 ms when the hot keys are reduced.
local max_modules = tonumber(ARGV[1])
local last_counter = 2 + 2 * tonumber(ARGV[2])
local modules_of
local function kind_of(field) return string.match(field, '[^:]*$') end

local function has_room(kind)
  if not modules_of then
    modules_of = {}
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
      modules_of[kind_of(field)] = (modules_of[kind_of(field)] or 0) + 1
    end
  end
  modules_of[kind] = (modules_of[kind] or 0) + 1
  return modules_of[kind] <= max_modules
end

-- The hash of a minute has the fields 'lookups' (of all keys), 'instances', 'floor', and one for each key: 'k' and its name, with the
-- figures 'lookups missing variance hits loads load_us saved_ms bytes' in MessagePack. `floor` is the most lookups of a key that was
-- left out. A key that comes anew may have had as many before, so it begins there, and `missing` says how much of its lookups that
-- is (space-saving).
local function reduce_hot_keys(hot, max_keys)
  local all, names, counts = redis.call('HGETALL', hot), {}, {}
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == 'k' then
      names[#names + 1] = all[i]
      counts[#counts + 1] = (cmsgpack.unpack(all[i + 1]))
    end
  end
  local too_many = #names - max_keys
  if too_many <= 0 then return end

  local sorted = { unpack(counts) }
  table.sort(sorted)
  local left_out, floor = {}, sorted[too_many]
  for n, name in ipairs(names) do
    if counts[n] <= floor and #left_out < too_many then left_out[#left_out + 1] = name end
  end
  redis.call('HDEL', hot, unpack(left_out))
  redis.call('HSET', hot, 'floor', string.format('%.0f', floor))
end

local function add_hot_keys(hot, first)
  local max_keys, sent = tonumber(ARGV[first]), {}
  local lookups = redis.call('HINCRBY', hot, 'lookups', ARGV[first + 2])
  if lookups == tonumber(ARGV[first + 2]) then redis.call('EXPIRE', hot, ARGV[first + 1]) end
  if ARGV[first + 3] == '1' then redis.call('HINCRBY', hot, 'instances', 1) end
  if ARGV[first + 4] ~= '' then sent = { cmsgpack.unpack(ARGV[first + 4]) } end

  local fields = { 'floor' }
  for i = 1, #sent, 8 do fields[#fields + 1] = 'k' .. sent[i] end
  if #fields > 1 then
    local known, added = redis.call('HMGET', hot, unpack(fields)), {}
    local floor = tonumber(known[1] or '0')
    for n = 2, #fields do
      local at = 8 * (n - 2) + 1
      local lookups, missing, variance, hits, loads, load_us, saved_ms, bytes = floor, floor, 0, 0, 0, 0, 0, 0
      if known[n] then lookups, missing, variance, hits, loads, load_us, saved_ms, bytes = cmsgpack.unpack(known[n]) end
      added[2 * n - 3] = fields[n]
      added[2 * n - 2] = cmsgpack.pack(lookups + sent[at + 1], missing, variance + sent[at + 2], hits + sent[at + 3], loads + sent[at + 4],
        load_us + sent[at + 5], saved_ms + sent[at + 6], bytes + sent[at + 7])
    end
    local new = redis.call('HSET', hot, unpack(added))
    if new > 0 and redis.call('HLEN', hot) > 4 * max_keys then reduce_hot_keys(hot, max_keys) end
  end
end

-- Redis refuses to grow a full database until the script has deleted a name. Counters are few, and they show that it is full.
redis.call('DEL', KEYS[2])
for i = 3, last_counter, 2 do
  local field = ARGV[i]
  if redis.call('HEXISTS', KEYS[1], field) == 0 and not has_room(kind_of(field)) then
    field = 'overflow:' .. kind_of(field)
  end
  redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
end
if KEYS[3] then add_hot_keys(KEYS[3], last_counter + 1) end
return redis.call('HLEN', KEYS[1])
