-- Reads the position of a part of a job's walk, and creates the part if there is none. After a restart of the server the walk begins again;
-- a dry run and a soft purge then count all keys again.
-- KEYS: 1 the part; in a dry run and a soft purge also 2 the hash of the names that a dry run has matched
-- ARGV: 1 the TTL of the part in ms, 2 the TTL of the names in ms, 3 the bits of a hash that select its field, '' to remember no names; then
--       the counts so far, in the order of COUNTS, to restore a part that was lost
-- Reply: 'ok', cursor ('end' after the last slice), mark, run id of the server, the counts
-- Cost: constant; lost names are freed in the background.
local part, names, run_id = KEYS[1], KEYS[2], run_id_now()
redis.call('DEL', part .. ':none')
local stored = redis.call('HMGET', part, 'cursor', 'run_id')

local function begin_again()
  redis.call('HSET', part, 'cursor', '0', 'mark', '', 'run_id', run_id)
  redis.call('PEXPIRE', part, ARGV[1])
  if not names then return end
  for _, name in ipairs(COUNTS) do redis.call('HSET', part, name, 0) end
  redis.call('UNLINK', names)
  if ARGV[3] == '' then return end
  -- This field tells that no name was lost.
  redis.call('HSET', names, 'bits', ARGV[3])
  redis.call('PEXPIRE', names, ARGV[2])
end

if not stored[1] then
  for i, name in ipairs(COUNTS) do redis.call('HSET', part, name, ARGV[i + 3]) end
  begin_again()
elseif stored[1] ~= 'end' and stored[2] ~= run_id then
  begin_again()
end
return part_reply(part)
