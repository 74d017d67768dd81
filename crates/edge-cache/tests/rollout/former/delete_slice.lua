-- A script of old instances.
local reply = redis.call('SCAN', ARGV[1], 'MATCH', ARGV[2], 'COUNT', ARGV[3])
local doomed = {}
for _, name in ipairs(reply[2]) do
  if not spared(name, ARGV[4]) then doomed[#doomed + 1] = name end
end
if ARGV[5] == '1' then fence(KEYS[1], 'pattern', ARGV[2]) end
release_loads(doomed)
forget(doomed)
return { reply[1], #doomed, unlink(doomed) }
