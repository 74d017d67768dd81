-- The position and the counts of a part of a job's walk. Only slices whose names the worker has read (src/jobs/selected.rs) have a mark,
-- and all of the counts.
local COUNTS = { 'walked', 'matched', 'removed', 'failed', 'changed', 'appeared', 'before1', 'before2', 'before3', 'before4', 'before5',
  'before6', 'after1', 'after2', 'after3', 'after4', 'after5', 'after6' }

-- Returns the reply of a script if a node does not serve the part; else nil.
local function refusal(reply)
  if type(reply) == 'table' and reply.err then return { 'refused', reply.err } end
end

-- A cursor is not valid for another process of the server, which has the keys in another order.
local function run_id_now()
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
end

-- Returns the position of the part and its counts, as scripts reply them; `rest` follows.
local function part_reply(part, rest)
  local position = redis.call('HMGET', part, 'cursor', 'mark', 'run_id')
  local reply = { 'ok', position[1] or '0', position[2] or '', position[3] or '' }
  local counts = redis.call('HMGET', part, unpack(COUNTS))
  for i = 1, #COUNTS do reply[#reply + 1] = counts[i] or 0 end
  for _, value in ipairs(rest or {}) do reply[#reply + 1] = value end
  return reply
end

-- Returns the reply of a script that has to do nothing: the node does not serve the part, or the part is not where the worker read its
-- slice ('moved'), because a later worker has advanced it or the server was restarted. Returns nil if the slice may be handled.
local function check_part(part, run_id, cursor, mark)
  -- A full server accepts the writes of a script that has deleted something.
  local refused_part = refusal(redis.pcall('DEL', part .. ':none'))
  if refused_part then return refused_part end
  local stored = redis.pcall('HMGET', part, 'cursor', 'mark', 'run_id')
  refused_part = refusal(stored)
  if refused_part then return refused_part end
  local is_there = stored[1] == cursor and (stored[2] or '') == mark and stored[3] == run_id
  if not is_there or run_id_now() ~= run_id then return { 'moved' } end
end

-- Adds to counts, and moves the part to a cursor and a mark.
local function advance_part(part, ttl_ms, cursor, mark, added)
  for name, number in pairs(added) do
    if number ~= 0 then redis.call('HINCRBY', part, name, number) end
  end
  redis.call('HSET', part, 'cursor', cursor, 'mark', mark)
  redis.call('PEXPIRE', part, ttl_ms)
end
