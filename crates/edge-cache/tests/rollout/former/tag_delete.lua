-- A script of old instances.
local set, slice, cursor = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local function nth(n) return n == 1 and KEYS[2] or KEYS[2] .. ':' .. n end
local last = 0
while redis.call('EXISTS', nth(last + 1)) == 1 do last = last + 1 end
if cursor == '' then
  cursor = '0'
  if redis.call('SCARD', set) > 0 then
    last = last + 1
    redis.call('RENAME', set, nth(last))
    redis.call('PERSIST', nth(last))
  end
end
if last == 0 then return { '0', 0, 0 } end
local aside = nth(last)
local function step()
  local reply = redis.call('SSCAN', aside, cursor, 'COUNT', slice)
  cursor = reply[1]
  return reply[2]
end
local members = step()
while cursor ~= '0' and #members < slice do
  for _, name in ipairs(step()) do members[#members + 1] = name end
end
release_loads(members)
forget(members)
local removed = unlink(members)
in_slices('SREM', members, aside)
local left = 0
for n = 1, last do left = left + redis.call('SCARD', nth(n)) end
return { cursor, removed, left }
