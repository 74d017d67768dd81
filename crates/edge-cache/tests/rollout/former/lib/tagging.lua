-- A part of the scripts of old instances.
local function tag(set, life, ...)
  local before = redis.call('PTTL', set)
  local added = redis.pcall('SADD', set, ...)
  if type(added) == 'number' and before ~= -1 and before < tonumber(life) then redis.call('PEXPIRE', set, life) end
  return added
end
local function tag_all(tags, life, ...)
  for name in string.gmatch(tags, '[^\n]+') do tag('cache:tags:' .. name, life, ...) end
end
