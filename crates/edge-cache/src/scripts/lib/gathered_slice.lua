-- Removes the keys of one slice that match a gathered pattern. Needs lib/pattern.lua, lib/walk.lua, lib/protected.lua, and `unlink`.

-- Returns a function that tells whether a pattern covers a name, and the cost of a byte. `first` is the position in ARGV of the number of
-- prefixes, which follow; the rest of ARGV is other patterns, each with its packed parts.
local function covering(first)
  local prefixes, globs, weight = {}, {}, 0
  local last_prefix = first + tonumber(ARGV[first])
  for i = first + 1, last_prefix do
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
  return is_covered, weight
end

-- Returns the next cursor, and the number of keys removed that count.
local function delete_covered(cursor, head, most, first)
  local is_covered, weight = covering(first)
  local names, counted, seen = {}, 0, {}
  local function visit(name)
    if seen[name] or not is_covered(name) then return end
    seen[name] = true
    names[#names + 1] = name
    if is_counted(name) then counted = counted + 1 end
    spend(500 + 2 * #name)
  end
  local next_cursor = walk_keyspace(cursor, head, '', most, weight, visit)
  unlink(names)
  for _, name in ipairs(refused) do
    if is_counted(name) then counted = counted - 1 end
  end
  return next_cursor, counted
end
