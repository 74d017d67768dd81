-- Counts the keys of a slice of the keyspace that patterns match: each key once, for the first pattern that would remove it.
-- KEYS: sets of names that are removed before: their members do not count, nor do these sets themselves
-- ARGV: 1 cursor, 2 the literal beginning of names, 3 the most keys to visit, then two for each pattern: '1' if it names cache:* or
--       lock:*, its parts
-- Reply: next cursor, DBSIZE, keys visited, how many of them are services', how many of those the patterns match, then for each
--        pattern the number of its keys that count
-- Cost: as match_slice.lua; a tenth more for each pattern beyond the first; for each key that matches, one command a set.
local patterns, price = {}, 0
for i = 4, #ARGV, 2 do
  local fits, pattern_price = matcher(ARGV[i + 1])
  patterns[#patterns + 1] = { names_protected = ARGV[i] == '1', fits = fits, count = 0 }
  price = price + pattern_price
end

local is_removed_set = {}
for _, set in ipairs(KEYS) do is_removed_set[set] = true end
local function is_removed_before(name)
  for _, set in ipairs(KEYS) do
    if redis.call('SISMEMBER', set, name) == 1 then return true end
  end
  return false
end
local function counts_for_pattern(name)
  if is_protected(name) then return is_counted(name) and not is_removed_set[name] end
  return not is_removed_before(name)
end

local visited, services, matched, seen = 0, 0, 0, {}
local function count_match(pattern, name)
  -- SCAN may return a name twice.
  if not seen[name] and counts_for_pattern(name) then
    pattern.count = pattern.count + 1
    if not is_protected(name) then matched = matched + 1 end
  end
  seen[name] = true
  spend(500 * #KEYS)
end
local function visit(name)
  visited = visited + 1
  if not is_protected(name) then services = services + 1 end
  for _, pattern in ipairs(patterns) do
    if pattern.fits(name) and not is_spared(name, pattern.names_protected) then
      count_match(pattern, name)
      break
    end
  end
  spend(150 * #patterns)
end
local cursor = walk_keyspace(ARGV[1], ARGV[2], '', tonumber(ARGV[3]), price, visit)
record_own_reads()

local pattern_counts = {}
for i, pattern in ipairs(patterns) do pattern_counts[i] = pattern.count end
return { cursor, redis.call('DBSIZE'), visited, services, matched, pattern_counts }
