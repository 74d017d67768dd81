-- A part of the scripts of old instances.
local function spared(name, what)
  if what == 'management' then return string.sub(name, 1, 6) == 'cache:' or string.sub(name, 1, 5) == 'lock:' end
  return what == 'trail' and name == 'cache:audit'
end
