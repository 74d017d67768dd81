-- Removes keys, and load locks with them.

-- Runs a command over many names. Lua passes only so many arguments in one call.
local function in_slices(command, names, key)
  local sum = 0
  for first = 1, #names, 1000 do
    local last = math.min(first + 999, #names)
    if key then
      sum = sum + redis.call(command, key, unpack(names, first, last))
    else
      sum = sum + redis.call(command, unpack(names, first, last))
    end
  end
  return sum
end
local function unlink(names) return in_slices('UNLINK', names) end
-- Names that were not removed; on a single server there are none (lib/removal_on_node.lua).
local refused = {}

local NAMESPACE = ''
-- Returns the name of a key's load lock; nil for a name whose braces need a lock that only the library can name (src/keyspace/slot.rs).
local function lock_of(name)
  local hash_tag = string.match(name, '{([^}]*)}')
  if hash_tag and hash_tag ~= '' then return 'lock:' .. NAMESPACE .. ':' .. name end
  if name == '' or string.find(name, '}', 1, true) then return nil end
  return 'lock:' .. NAMESPACE .. '{' .. name .. '}'
end
