-- Adds keys to a tag's set. The set then lives at least as long as these keys. Returns the number of new members, or Redis' error.
local function add_to_tag(set, life, ...)
  local before = redis.call('PTTL', set)
  local added = redis.pcall('SADD', set, ...)
  -- A set without an expiry (-1) is another client's wish and stays so. A new set (-2), or one that would end too early, gets this life.
  if type(added) == 'number' and before ~= -1 and before < tonumber(life) then redis.call('PEXPIRE', set, life) end
  return added
end
