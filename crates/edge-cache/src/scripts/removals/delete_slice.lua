-- Removes the keys of one slice that match a gathered pattern. After the last slice, the fences of the walk end.
-- KEYS: 1 the state, 2 the patterns, 3 the announcement, 4 a key that never exists, 5 the fences
-- ARGV: 1 the next turn's number, 2 the head for SCAN, 3 how many keys to visit at most, 4 how many prefixes follow, then these; the rest is
--       other patterns, each with its packed parts
-- Reply: empty when the next turn has begun; else 1 while the walk goes on, 0 at its end; number of keys that it has removed so far and
--        that count
-- Cost: a slice of 1,000 keys that all go takes about two milliseconds (lib/walk.lua).
if next_turn(KEYS[1]) ~= ARGV[1] then return {} end
redis.call('DEL', KEYS[4])

local prefixes, globs, weight = {}, {}, 0
local last_prefix = 4 + tonumber(ARGV[4])
for i = 5, last_prefix do
  local of_length = prefixes[#ARGV[i]] or {}
  of_length[ARGV[i]] = true
  prefixes[#ARGV[i]] = of_length
end
for i = last_prefix + 1, #ARGV, 2 do
  local fits, of_glob = matcher(ARGV[i + 1])
  globs[#globs + 1] = { text = ARGV[i], fits = fits }
  weight = weight + of_glob
end

local function is_covered(name)
  for length, of_length in pairs(prefixes) do
    local start = string.sub(name, 1, length)
    if of_length[start] and not is_spared(name, is_protected(start)) then return true end
  end
  for _, glob in ipairs(globs) do
    if glob.fits(name) and not is_spared(name, is_protected(glob.text)) then return true end
  end
  return false
end
local names, counted, seen = {}, 0, {}
local function visit(name)
  if seen[name] or not is_covered(name) then return end
  seen[name] = true
  names[#names + 1] = name
  if is_counted(name) then counted = counted + 1 end
  spend(500 + 2 * #name)
end
local walk = redis.call('HMGET', KEYS[1], 'cursor', 'newest')
local cursor = walk_keyspace(walk[1], ARGV[2], '', tonumber(ARGV[3]), weight, visit)
unlink(names)

local removed = redis.call('HINCRBY', KEYS[1], 'removed', counted)
if cursor ~= '0' then
  redis.call('HSET', KEYS[1], 'cursor', cursor)
  expect_turn(KEYS[3])
  return { 1, removed }
end

local ids = patterns_until(KEYS[2], walk[2])
redis.call('HDEL', KEYS[1], 'newest', 'cursor', 'removed', 'run_id')
for _, id in ipairs(ids) do
  redis.call('HDEL', KEYS[2], id)
  end_fence(KEYS[5], id)
end
return { 0, removed }
