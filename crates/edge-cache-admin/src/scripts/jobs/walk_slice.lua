-- Walks one slice of a part of a job: removes or counts the keys that match, and stores counts and cursor, in one step. After a worker
-- was killed, the next one continues from there and counts no key twice.
-- KEYS: 1 the part; none on a Cluster
-- ARGV: 1 on a Cluster, the part, in a slot of the node; 2 'remove' or 'count', 3 the head for SCAN, 4 the most keys to visit, 5 '1' to
--       skip keys that the node refuses to remove, 6 the TTL of the part in ms; 7 keys walked, 8 matched, 9 removed, 10 failed so far, to
--       restore a part that was lost; then the packed parts of the patterns
-- Reply: 'refused' and the error, with nothing done, when the node does not serve the part; else 'ok', 1 at the end of the walk or 0, keys
--        walked, matched, removed, failed, then names that the node refuses to remove: if there are any, the cursor has not moved
-- Cost: a slice of 1,000 keys that are all removed takes one to two milliseconds; with long names it visits fewer (lib/walk.lua).
local part, removes = KEYS[1] or ARGV[1], ARGV[2] == 'remove'
local function refusal(reply)
  if type(reply) == 'table' and reply.err then return { 'refused', reply.err } end
end

-- A full server accepts the writes of a script that has deleted something.
local refused_part = refusal(redis.pcall('DEL', part .. ':none'))
if refused_part then return refused_part end
local stored = redis.pcall('HMGET', part, 'cursor', 'run_id')
refused_part = refusal(stored)
if refused_part then return refused_part end

-- A cursor is not valid for another process of the server, which has the keys in another order.
local info = redis.pcall('INFO', 'server')
local run_id = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
local cursor = stored[1]
if not cursor then
  local walked, matched = removes and ARGV[7] or '0', removes and ARGV[8] or '0'
  local created = redis.pcall('HSET', part, 'cursor', '0', 'walked', walked, 'matched', matched, 'removed', ARGV[9], 'failed', ARGV[10])
  refused_part = refusal(created)
  if refused_part then return refused_part end
  cursor = '0'
elseif cursor ~= 'end' and stored[2] ~= run_id then
  cursor = '0'
  -- A dry run counts all keys again.
  if not removes then redis.call('HSET', part, 'walked', '0', 'matched', '0') end
end

local fits, weight = {}, 0
for i = 11, #ARGV do
  local fit, of_pattern = matcher(ARGV[i])
  fits[#fits + 1] = fit
  weight = weight + of_pattern
end
local function is_covered(name)
  for _, fit in ipairs(fits) do
    if fit(name) then return not is_spared(name, false) end
  end
  return false
end

local names, seen, walked = {}, {}, 0
local function visit(name)
  if seen[name] or not is_covered(name) then return end
  seen[name] = true
  names[#names + 1] = name
  if removes then spend(500 + 2 * #name) end
end
local scan = scanner(ARGV[3], '')
local function read(from, count)
  local reply, used = scan(from, count)
  walked = walked + used
  return reply, used
end

if cursor ~= 'end' then
  local following = walk_step(cursor, tonumber(ARGV[4]), weight, read, visit)
  local removed = 0
  if removes then removed = unlink(names) end
  local passes_over = ARGV[5] == '1'
  if #refused == 0 or passes_over then
    cursor = following == '0' and 'end' or following
    redis.call('HINCRBY', part, 'walked', walked)
    redis.call('HINCRBY', part, 'failed', #refused)
    redis.call('HINCRBY', part, 'matched', #names)
    if passes_over then refused = {} end
  else
    redis.call('HINCRBY', part, 'matched', removed)
  end
  redis.call('HINCRBY', part, 'removed', removed)
  redis.call('HSET', part, 'cursor', cursor, 'run_id', run_id)
  redis.call('PEXPIRE', part, ARGV[6])
end
local counts = redis.call('HMGET', part, 'walked', 'matched', 'removed', 'failed')
return { 'ok', cursor == 'end' and 1 or 0, counts[1], counts[2], counts[3], counts[4], refused }
