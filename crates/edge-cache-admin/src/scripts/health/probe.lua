-- Tries the commands that the cache and its administration need, without an effect: a server that would refuse a change refuses
-- these.
-- KEYS: 1 a name under which nothing is stored
-- Reply: two for each refused command: its name, the server's words
-- Cost: constant, about 15 us. Nothing is written or replicated, and nothing counts as a lookup: an empty SETRANGE of a key that
-- does not exist passes all checks of a write and does nothing.
local refused = {}
local function try(name, ...)
  local reply = redis.pcall(name, ...)
  if type(reply) == 'table' and reply.err then
    refused[#refused + 1] = name
    refused[#refused + 1] = reply.err
  end
end
try('SETRANGE', KEYS[1], 0, '')
try('SCAN', '0', 'COUNT', 1)
return refused
