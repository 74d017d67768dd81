-- Precedes scripts that flush the database or count what a flush would remove.

-- Returns true if one of the KEYS holds records of an audit trail: of an earlier configuration, or of another edge-cache that keeps
-- its trail in this database; or if other namespaces have keys here.
local function must_spare_keys()
  for _, name in ipairs(KEYS) do
    if (is_spared(name, true) or name == 'cache:namespaces') and exists(name) then return true end
  end
  return false
end

-- Returns true if FLUSHDB can be used: an administrator may have renamed it, and a user may lack the right. Servers before 7.0
-- report only whether the command exists.
local function can_flush()
  if must_spare_keys() then return false end
  if redis.acl_check_cmd then
    local is_known, is_allowed = pcall(redis.acl_check_cmd, 'FLUSHDB', 'ASYNC')
    return is_known and is_allowed
  end
  local info = redis.pcall('COMMAND', 'INFO', 'flushdb')
  if type(info) ~= 'table' or info.err then return true end
  return info[1] ~= nil and info[1] ~= false
end

-- Returns the number of keys that count, and 1 if it is exact. They are counted for the length of a step (about 5,000 keys); the
-- rest is assumed to be like those, because the order of keys is that of their names' hashes.
local function count_keys()
  local keys, visited = 0, 0
  local function visit(name)
    visited = visited + 1
    if not is_protected(name) then keys = keys + 1 end
  end
  if walk_keyspace('0', '*', '', 10000, 0, visit) == '0' then return keys, 1 end

  local all = redis.call('DBSIZE')
  -- Thousands of buckets of a sparse table may hold no key at all.
  if visited == 0 then return all, 0 end
  return math.floor(all * keys / visited), 0
end

