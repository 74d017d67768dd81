-- Writes a batch of entries, each whole or not at all.
-- KEYS: 1 the fences, 2 the warmup lock, 3 the registration of near caches, 4 the near fences; then the keys; then their load locks; then the lists that hold chunks; then the sets of all tags
-- ARGV: 1 '1' to overwrite what exists; 2 the stamp taken before the values were loaded, '' for values that were not loaded;
--       3 the owner of the warmup lock, '' for other writers; 4 how many keys, 5 how many lists; then for each run of entries that share
--       them: number of entries, shape, TTL in ms, tags (joined by newlines, '' = none), how many tags, then the position of each among the
--       sets; number of values per entry; followed by their values (string: one, with its trailer; chunks: the position of the list,
--       bytes in it; list: elements; hash: field, value ...; zset: score, member ...)
-- Reply: 'lost' when the caller no longer holds the warmup lock: nothing is written, because fences for named keys are appended only while
--        it is held; 'written', number written, number skipped because the key exists, bytes written, number that Redis refused, its first
--        error or '', for how many milliseconds from now near caches may not know it; then for each key that had tags which it no longer has: its position, and all tags that it had;
--        or the reply of fences_since, and nothing is written
-- Cost: in proportion to the values; the caller keeps a batch to 1,000 entries and 4 MiB.
if ARGV[3] ~= '' and redis.call('GET', KEYS[2]) ~= ARGV[3] then return { 'lost' } end
local fenced = ARGV[2] ~= '' and fences_since(KEYS[1], ARGV[2])
if fenced then return fenced end

local force = ARGV[1] == '1'
local key_count, list_count = tonumber(ARGV[4]), tonumber(ARGV[5])
local function key_at(n) return KEYS[4 + n] end
local function lock_at(n) return KEYS[4 + key_count + n] end
local function list_at(n) return KEYS[4 + 2 * key_count + n] end
local function set_at(n) return KEYS[4 + 2 * key_count + list_count + n] end
local writers = { list = 'RPUSH', hash = 'HSET', zset = 'ZADD' }

-- One command replaces the key's old value or changes nothing; false when the key exists and must not be overwritten.
local function write_string(key, value, ttl)
  if force then return redis.pcall('SET', key, value, 'PX', ttl) end
  return redis.pcall('SET', key, value, 'PX', ttl, 'NX')
end

local function write_chunks(key, list, ttl)
  if not force and redis.call('EXISTS', key) == 1 then return false end
  redis.call('UNLINK', key)
  local renamed = redis.pcall('RENAME', list, key)
  if renamed.err then return renamed end
  return redis.pcall('PEXPIRE', key, ttl)
end

local function write_collection(key, shape, ttl, first, last)
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

-- Returns the tags that an entry has, if it has one that the new value has not.
local function tags_left(key, new_tags)
  if not force or not probably_exists(key) then return nil end
  local trailer = trailer_of(key)
  local tags = trailer and tags_in(trailer) or ''
  for tag in string.gmatch(tags, '[^\n]+') do
    if not has_tag(new_tags, tag) then return tags end
  end
end

-- Returns how many bytes of an entry's values were written, without the trailer.
local function written_bytes(shape, first, last)
  if shape == 'chunks' then return tonumber(ARGV[last]) end
  if shape == 'string' then return #ARGV[first] - (size_of_trailer(string.sub(ARGV[first], -8)) or 0) end
  local sum = 0
  for i = first, last do sum = sum + #ARGV[i] end
  return sum
end

-- The written keys of each set, by its position, and how long the longest-lived of them lives.
local members, lives = {}, {}
local function note_members(n, keys, ttl)
  local noted = members[n] or {}
  members[n] = noted
  for _, key in ipairs(keys) do noted[#noted + 1] = key end
  lives[n] = math.max(lives[n] or 0, ttl)
end

local written, skipped, bytes, refused, reason, locks, changed, left = 0, 0, 0, 0, '', {}, {}, {}
local at, entry = 6, 0
while entry < key_count do
  local count, shape, ttl, tags = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local tag_count = tonumber(ARGV[at + 4])
  local sets = { unpack(ARGV, at + 5, at + 4 + tag_count) }
  local values = tonumber(ARGV[at + 5 + tag_count])
  at = at + 6 + tag_count

  local tagged = {}
  for _ = 1, count do
    entry = entry + 1
    local key, first, last = key_at(entry), at, at + values - 1
    at = last + 1
    local old_tags = tags_left(key, tags)
    local outcome
    if shape == 'string' then
      outcome = write_string(key, ARGV[first], ttl)
    elseif shape == 'chunks' then
      outcome = write_chunks(key, list_at(tonumber(ARGV[first])), ttl)
    else
      outcome = write_collection(key, shape, ttl, first, last)
    end

    if not outcome then
      skipped = skipped + 1
    elseif type(outcome) == 'table' and outcome.err then
      refused = refused + 1
      if reason == '' then reason = outcome.err end
    else
      written = written + 1
      tagged[#tagged + 1] = key
      locks[#locks + 1] = lock_at(entry)
      changed[#changed + 1] = key
      bytes = bytes + written_bytes(shape, first, last)
      if old_tags then
        left[#left + 1] = entry
        left[#left + 1] = old_tags
      end
    end
  end
  if #tagged > 0 then
    for _, n in ipairs(sets) do note_members(n, tagged, tonumber(ttl)) end
  end
end
for n, keys in pairs(members) do add_to_tag(set_at(tonumber(n)), lives[n], unpack(keys)) end
unlink(locks)
local interval = near_interval(KEYS[3])
if interval > 0 then append_near_fences(KEYS[4], changed) end
return { 'written', written, skipped, bytes, refused, reason, interval, unpack(left) }
