-- Keys that a removal spares, and keys that it does not count. Every script that removes keys, or predicts a removal, uses these rules.
-- `keyspace/key.rs` has the same lists; a test compares them.
local function is_protected(name) return string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:' end

-- The audit trail is never removed. Other protected keys are removed only if the request names them, which takes an admin.
local function is_spared(name, is_named)
  local rest = string.match(name, '^cache:audit(.*)') or string.match(name, '^cache:{cache}:audit(.*)')
  if rest and (rest == '' or string.sub(rest, 1, 1) == ':') then return true end
  return not is_named and is_protected(name)
end

-- The library's records of other keys are not counted as removed: chunks that are being written, load locks, waiters' values, fences,
-- members set aside, gathered removals, positions of walks and jobs. They go with those keys or expire.
local OWN_RECORDS = { 'cache:chunk:', 'cache:fences', 'cache:job-part:', 'cache:near', 'cache:none', 'cache:tags-aside:', 'cache:turns',
  'cache:waiting:', 'cache:{removals}', 'cache:{walks}:', 'cache:{cache}:fences', 'cache:{cache}:near', 'cache:{cache}:none', 'cache:{cache}:turns',
  'cache:{cache}:removals', 'lock:{', 'lock::' }
local function is_counted(name)
  if not is_protected(name) then return true end
  for _, prefix in ipairs(OWN_RECORDS) do
    if string.sub(name, 1, #prefix) == prefix then return false end
  end
  return true
end

