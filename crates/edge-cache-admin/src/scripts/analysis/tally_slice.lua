-- Tallies keys by the segments of their names: one slice of a walk, or short runs from many places of the keyspace.
-- ARGV: 1 the most segments of a group, 2 the least bytes of a key to return by name, 3 the least elements of one, 4 '1' if MEMORY USAGE is
--       refused, 5 '1' if the server tells how long keys are idle, 6 the most keys of a slice ('' for runs), 7 keys of a run, then the cursor
--       of the slice, or of each run
-- Reply: the next cursor of the slice; the number of runs that were made; the number of those without keys; keys of other namespaces, which
--        are left out; '1' if MEMORY USAGE is refused; '1' if idle times are known; two strings of MessagePack. For each group: its name,
--        segments, keys, bytes, the sums over runs of keys * keys, keys * keys of the run, bytes * bytes, bytes * keys of the run, bytes *
--        bytes of the run, then the largest key's bytes, idle seconds, six numbers of keys by the time they have left, the number of types,
--        each with its number of keys. The group without segments has all keys. For each large key: its name, type, bytes, elements (-1 if
--        they are not known).
-- Cost: a slice is about 2 ms (lib/walk.lua): some 300 keys with five commands each. No command counts as a use of a key, but for the
--       lengths of collections of at least 4 KB, and of all keys where MEMORY USAGE is refused.
local depth, least_bytes, least_elements = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local is_refused, knows_idle = ARGV[4] == '1', ARGV[5] == '1'
local NANOSECONDS_PER_KEY, NANOSECONDS_PER_GROUP = 6000, 1000
local MAX_LARGE, MEASURED_BYTES = 100, 4096
local LENGTHS = { list = 'LLEN', set = 'SCARD', zset = 'ZCARD', hash = 'HLEN', stream = 'XLEN' }

local function new_group()
  return { keys = 0, bytes = 0, kk = 0, kr = 0, bb = 0, bk = 0, br = 0, largest = 0, idle = 0, types = {},
    0, 0, 0, 0, 0, 0, run = 0, run_keys = 0, run_bytes = 0, inner = {}, last = {} }
end
local root, run, touched = new_group(), 0, {}

local function length_of(name, kind)
  local command = LENGTHS[kind] or (kind == 'string' and is_refused and 'STRLEN')
  local length = command and redis.pcall(command, name)
  return type(length) == 'number' and length or -1
end

-- Returns a key's bytes and its elements; nil for a key that is gone.
local function size_of(name, kind)
  if not is_refused then
    local bytes = redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', 5)
    if not bytes then return nil end
    if type(bytes) == 'number' then
      return bytes, bytes >= MEASURED_BYTES and kind ~= 'string' and length_of(name, kind) or -1
    end
    is_refused = true
  end
  local length = length_of(name, kind)
  return 64 + #name + math.max(length, 0) * (kind == 'string' and 1 or 64), kind == 'string' and -1 or length
end

local large = {}
local function shorten()
  table.sort(large, function(a, b) return a.bytes > b.bytes end)
  local kept = {}
  for i, key in ipairs(large) do
    if i <= MAX_LARGE then kept[i] = key end
  end
  table.sort(large, function(a, b) return a.elements > b.elements end)
  for i = 1, math.min(#large, MAX_LARGE) do
    if large[i].elements >= 0 then kept[#kept + 1] = large[i] end
  end
  large = kept
end

local kind, left, bytes, idle
local function add(group)
  if group.run ~= run then
    group.run, group.run_keys, group.run_bytes = run, 0, 0
    touched[#touched + 1] = group
  end
  group.run_keys, group.run_bytes = group.run_keys + 1, group.run_bytes + bytes
  group[left] = group[left] + 1
  group.types[kind] = (group.types[kind] or 0) + 1
  group.idle = group.idle + idle
  if bytes > group.largest then group.largest = bytes end
end
local function add_below(above, goes_on, segment)
  local groups = goes_on and above.inner or above.last
  local group = groups[segment]
  if not group then
    group = new_group()
    groups[segment] = group
  end
  add(group)
  spend(NANOSECONDS_PER_GROUP)
  return group
end

local keys_of_others = 0
local function visit(name)
  if NAMESPACE ~= '' and is_protected(name) and not short_name(name) then
    keys_of_others = keys_of_others + 1
    return
  end
  spend(NANOSECONDS_PER_KEY)
  local reply = redis.pcall('TYPE', name)
  if reply.err and string.find(reply.err, 'undeclared key', 1, true) then error(reply.err) end
  kind = reply.ok
  if not kind or kind == 'none' then return end

  local elements
  bytes, elements = size_of(name, kind)
  if not bytes then return end
  left = class_of(redis.call('PTTL', name))
  idle = knows_idle and redis.pcall('OBJECT', 'IDLETIME', name)
  -- Services refuse OBJECT, and each refusal of a right is an entry in the server's log.
  if type(idle) == 'table' then knows_idle = false end
  idle = type(idle) == 'number' and idle or 0

  add(root)
  each_group(name, root, depth, add_below)
  if bytes > least_bytes or elements > least_elements then
    large[#large + 1] = { name = name, kind = kind, bytes = bytes, elements = elements }
    if #large > 4 * MAX_LARGE then shorten() end
  end
end

local function begin_run() run, touched = run + 1, {} end
-- Adds the run to its groups.
local function end_run()
  local all_keys, all_bytes = 0, 0
  if touched[1] then all_keys, all_bytes = root.run_keys, root.run_bytes end
  for _, group in ipairs(touched) do
    local keys, sum = group.run_keys, group.run_bytes
    group.keys, group.bytes = group.keys + keys, group.bytes + sum
    group.kk, group.kr = group.kk + keys * keys, group.kr + keys * all_keys
    group.bb, group.bk, group.br = group.bb + sum * sum, group.bk + sum * all_keys, group.br + sum * all_bytes
  end
  return all_keys
end

local cursor, empty = '0', 0
if ARGV[6] ~= '' then
  begin_run()
  cursor = walk_keyspace(ARGV[8], '*', '', tonumber(ARGV[6]), 0, visit)
  end_run()
else
  for i = 8, #ARGV do
    begin_run()
    local reply = redis.pcall('SCAN', ARGV[i], 'COUNT', ARGV[7])
    for _, name in ipairs(reply[2] or {}) do
      spend(300 + #name)
      visit(name)
    end
    if end_run() == 0 then empty = empty + 1 end
    spend(5000)
    if is_over() then break end
  end
end
record_own_reads()

local packed = {}
local function pack_group(name, segments, group)
  local function exact(sum) return string.format('%.17g', sum) end
  packed[#packed + 1] = cmsgpack.pack(name, segments, group.keys, group.bytes, group.kk, group.kr, exact(group.bb), exact(group.bk),
    exact(group.br), group.largest, group.idle, unpack(group))
  local types, count = {}, 0
  for kind, keys in pairs(group.types) do
    count = count + 1
    types[count] = cmsgpack.pack(kind, keys)
  end
  packed[#packed + 1] = cmsgpack.pack(count) .. table.concat(types)
  for segment, below in pairs(group.inner) do pack_group(name .. segment .. ':', segments + 1, below) end
  for segment, below in pairs(group.last) do pack_group(name .. segment, segments + 1, below) end
end
pack_group('', 0, root)

shorten()
local keys = {}
for i, key in ipairs(large) do keys[i] = cmsgpack.pack(key.name, key.kind, key.bytes, key.elements) end
return { cursor, run, empty, keys_of_others, is_refused and '1' or '', knows_idle and '1' or '', table.concat(packed), table.concat(keys) }
