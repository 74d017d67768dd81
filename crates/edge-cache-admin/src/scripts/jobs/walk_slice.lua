-- Walks one slice of a part of a job, or of several that walk together: removes the keys that match, and stores counts and cursor, in one
-- step. After a worker was killed, the next one continues from there and counts no key twice.
-- KEYS: 1 the part; none on a Cluster
-- ARGV: 1 on a Cluster, the part, in a slot of the node; 2 the head for SCAN, 3 the most keys to visit, 4 '1' to skip keys that the node
--       refuses to remove, 5 the TTL of the part in ms; 6 keys walked so far; then for each job: the end of the names of its counts, keys
--       matched, removed, failed so far, the number of its patterns, their packed parts. Counts so far restore a part that was lost
-- Reply: 'refused' and the error, with nothing done, when the node does not serve the part; else 'ok', 1 at the end of the walk or 0, keys
--        walked, for each job keys matched, removed, failed, then names that the node refuses to remove: if there are any, the cursor has
--        not moved
-- Cost: a slice of 1,000 keys that are all removed takes one to two milliseconds; with long names or many patterns it visits fewer
--       (lib/walk.lua). Three commands for each job.
local part = KEYS[1] or ARGV[1]

-- A full server accepts the writes of a script that has deleted something.
local refused_part = refusal(redis.pcall('DEL', part .. ':none'))
if refused_part then return refused_part end
local stored = redis.pcall('HMGET', part, 'cursor', 'run_id')
refused_part = refusal(stored)
if refused_part then return refused_part end

-- A key that several jobs match counts for each of them.
local jobs, weight, at = {}, 0, 7
while at <= #ARGV do
  local last = at + 4 + tonumber(ARGV[at + 4])
  local is_covered, of_job = names_covered(at + 5, last)
  weight = weight + of_job
  jobs[#jobs + 1] = { at = at, suffix = ARGV[at], is_covered = is_covered, found = 0 }
  at = last + 1
end

local run_id, cursor = run_id_now(), stored[1]
if not cursor then
  local created = redis.pcall('HSET', part, 'cursor', '0', 'walked', ARGV[6])
  refused_part = refusal(created)
  if refused_part then return refused_part end
  for _, job in ipairs(jobs) do
    redis.call('HSET', part, 'matched' .. job.suffix, ARGV[job.at + 1], 'removed' .. job.suffix, ARGV[job.at + 2], 'failed' .. job.suffix,
      ARGV[job.at + 3])
  end
  cursor = '0'
elseif cursor ~= 'end' and stored[2] ~= run_id then
  cursor = '0'
end

local names, seen = {}, {}
local function visit(name)
  if seen[name] then return end
  local is_found = false
  for _, job in ipairs(jobs) do
    if job.is_covered(name) then
      job.found = job.found + 1
      is_found = true
    end
  end
  if not is_found then return end
  seen[name] = true
  names[#names + 1] = name
  spend(500 + 2 * #name)
end

-- Returns how many of the names that the node refuses a job matches.
local function refused_of(job)
  local count = 0
  for _, name in ipairs(refused) do
    if job.is_covered(name) then count = count + 1 end
  end
  return count
end

if cursor ~= 'end' then
  local following, walked = walk_keyspace(cursor, ARGV[2], '', tonumber(ARGV[3]), weight, visit)
  unlink(names)
  local passes_over = ARGV[4] == '1'
  local advances = #refused == 0 or passes_over
  for _, job in ipairs(jobs) do
    local failed = refused_of(job)
    redis.call('HINCRBY', part, 'matched' .. job.suffix, advances and job.found or job.found - failed)
    redis.call('HINCRBY', part, 'removed' .. job.suffix, job.found - failed)
    redis.call('HINCRBY', part, 'failed' .. job.suffix, advances and failed or 0)
  end
  if advances then
    cursor = following == '0' and 'end' or following
    redis.call('HINCRBY', part, 'walked', walked)
    refused = {}
  end
  redis.call('HSET', part, 'cursor', cursor, 'run_id', run_id)
  redis.call('PEXPIRE', part, ARGV[5])
end

local reply = { 'ok', cursor == 'end' and 1 or 0, redis.call('HGET', part, 'walked') }
for _, job in ipairs(jobs) do
  local suffix = job.suffix
  local counts = redis.call('HMGET', part, 'matched' .. suffix, 'removed' .. suffix, 'failed' .. suffix)
  for i = 1, 3 do reply[#reply + 1] = counts[i] or 0 end
end
for _, name in ipairs(refused) do reply[#reply + 1] = name end
return reply
