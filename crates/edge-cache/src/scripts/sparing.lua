-- Stands before scripts that walk over the keyspace: whether a name is left out. `what` is 'management' (cache:*, lock:*), 'trail'
-- (the audit trail, where it is in this database), or '' (none is).
local function spared(name, what)
  if what == 'management' then return string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:' end
  return what == 'trail' and name == 'cache:audit'
end

