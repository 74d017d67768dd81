-- Keys that a removal spares, and keys that it does not count. Every script that removes keys, or predicts a removal, uses these rules.
-- `keyspace/key.rs` has the same lists; a test compares them.
local NAMESPACE = ''
local function is_protected(name) return string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:' end

-- Returns a protected name without this cache's namespace; nil for a name of another namespace (src/keyspace/namespace.rs).
local function short_name(name)
  local first = string.find(name, ':', 1, true) + 1
  if NAMESPACE == '' then
    if string.sub(name, first, first) == '@' or name == 'cache:namespaces' then return nil end
    return name
  end
  if string.sub(name, first, first + #NAMESPACE - 1) ~= NAMESPACE then return nil end
  return string.sub(name, 1, first - 1) .. string.sub(name, first + #NAMESPACE)
end

-- The audit trail and keys of another namespace are never removed. Other protected keys are removed only if the request names them, which
-- takes an admin.
local function is_spared(name, is_named)
  if not is_protected(name) then return false end
  local short = short_name(name)
  if not short then return true end
  local rest = string.match(short, '^cache:audit(.*)') or string.match(short, '^cache:{cache}:audit(.*)')
  if rest and (rest == '' or string.sub(rest, 1, 1) == ':') then return true end
  return not is_named
end

-- The library's records of other keys are not counted as removed: chunks that are being written, load locks, waiters' values, fences,
-- members set aside, gathered removals, positions of walks and jobs. They go with those keys or expire.
local OWN_RECORDS = { 'cache:chunk:', 'cache:fences', 'cache:job-names:', 'cache:job-part:', 'cache:near', 'cache:none', 'cache:tags-aside:',
  'cache:turns', 'cache:waiting:', 'cache:{removals}', 'cache:{walks}:', 'cache:{cache}:fences', 'cache:{cache}:near',
  'cache:{cache}:none', 'cache:{cache}:turns', 'cache:{cache}:removals', 'lock:{', 'lock::' }
local function is_counted(name)
  if not is_protected(name) then return true end
  local short = short_name(name) or name
  for _, prefix in ipairs(OWN_RECORDS) do
    if string.sub(short, 1, #prefix) == prefix then return false end
  end
  return true
end

