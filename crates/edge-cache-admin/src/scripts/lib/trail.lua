-- Precedes scripts of the audit trail.
-- KEYS: 1 to 3 its streams (changes of people, denied attempts, automatic changes), 4 the stream of intents, which are changes
--       that began and have not ended, 5 the bytes of each stream (a hash), 6 sums that are not yet recorded (a hash), 7 the
--       counters of the administration
-- ARGV: 1 the most bytes of each stream, then the milliseconds that each keeps its records
local INTENT_OVERDUE_MS, MAX_INTENTS, WINDOW_MS = 900000, 4096, 60000
-- Bytes of an entry beside its parts, and of the field's name `record`.
local ENTRY_BYTES, FIELD_BYTES = 48, 6
-- The most bytes of an entry that this version writes.
local MAX_ENTRY_BYTES = 4096 + ENTRY_BYTES + FIELD_BYTES
local bounds = {}
for number in string.gmatch(ARGV[1], '%d+') do bounds[#bounds + 1] = tonumber(number) end

local function time_of(id) return tonumber(string.match(id, '^%d+')) end

-- A full server refuses writes that may grow until the script has deleted something, even something that does not exist. Changes
-- must be recorded on a full server too; quotas and bounds keep that small.
local function allow_writes_when_full() redis.pcall('HDEL', KEYS[6], '') end

-- Redis' time in milliseconds, from the id of an entry that is removed again: not every user may call TIME.
local function clock()
  local id = redis.call('XADD', KEYS[4], '*', 'clock', '')
  redis.call('XDEL', KEYS[4], id)
  return time_of(id)
end

local function bytes_of(entry)
  local bytes = ENTRY_BYTES
  for _, part in ipairs(entry[2]) do bytes = bytes + #part end
  return bytes
end

-- Returns the bytes of a stream. Measures them if they are unknown, as in a stream of an earlier version, or exceed what so many
-- records can have, as after somebody trimmed the stream: some milliseconds for 100,000 records. A stream that was evicted or
-- deleted has none.
local function size_of(stream)
  local length = redis.call('XLEN', KEYS[stream])
  if length == 0 then return 0 end
  local size = tonumber(redis.call('HGET', KEYS[5], stream) or '')
  if size and size <= length * MAX_ENTRY_BYTES then return size end
  local measured = redis.pcall('MEMORY', 'USAGE', KEYS[stream], 'SAMPLES', 0)
  if type(measured) == 'number' then return measured end
  return length * 512
end

-- Removes the oldest records while there are too many bytes or they are too old, at most 128 at a time. Returns the bytes left.
local function trim(stream, size, now)
  local max_bytes, keep_ms = bounds[stream], bounds[stream + 3]
  for _ = 1, 16 do
    local count = 2
    if size > max_bytes then count = 9 end
    local entries = redis.call('XRANGE', KEYS[stream], '-', '+', 'COUNT', count)

    local first_kept
    for place = 1, #entries - 1 do
      local is_old = time_of(entries[place][1]) < now - keep_ms
      if size <= max_bytes and not is_old then break end
      size = size - bytes_of(entries[place])
      first_kept = entries[place + 1][1]
    end
    if not first_kept then break end
    redis.call('XTRIM', KEYS[stream], 'MINID', first_kept)
  end
  return size
end

-- Adds a record to a stream. Returns Redis' time.
local function append(stream, record)
  local size = size_of(stream)
  local id = redis.call('XADD', KEYS[stream], '*', 'record', record)
  size = trim(stream, size + #record + ENTRY_BYTES + FIELD_BYTES, time_of(id))
  redis.call('HSET', KEYS[5], stream, string.format('%d', math.max(size, 0)))
  return time_of(id)
end

-- Adds changes to a sum: how many, how many of them failed, keys deleted. The first one gives the sum its time and its record
-- without names.
local function sum_up(name, stream, count, failed, deleted, since, summary)
  local value = redis.call('HGET', KEYS[6], name) or ''
  local old_count, old_failed, old_deleted, begun, old_since, old_summary =
    string.match(value, '^%d (%d+) (%d+) (%d+) (%d+) (%S+)\n(.*)$')
  if begun then
    count = count + old_count
    failed = failed + old_failed
    deleted = deleted + old_deleted
    since = old_since
    summary = old_summary
  else
    begun = string.format('%d', clock())
  end
  local numbers = string.format('%d %d %d %d ', stream, count, failed, deleted)
  redis.call('HSET', KEYS[6], name, numbers .. begun .. ' ' .. since .. '\n' .. summary)
end

-- Writes summary records of sums that are a minute old. Returns how many.
local function record_sums(now)
  if redis.call('HLEN', KEYS[6]) == 0 then return 0 end
  local recorded = 0
  local sums = redis.call('HGETALL', KEYS[6])
  for place = 1, #sums, 2 do
    local name = sums[place]
    local stream, count, failed, deleted, begun, since, summary =
      string.match(sums[place + 1], '^([123]) (%d+) (%d+) (%d+) (%d+) (%S+)\n(.*})$')
    if not stream then
      redis.call('HDEL', KEYS[6], name)
    elseif now - begun >= WINDOW_MS then
      redis.call('HDEL', KEYS[6], name)
      local alike = ',"alike":{"count":%s,"failed":%s,"keysDeleted":%s,"since":"%s"}}'
      append(tonumber(stream), string.sub(summary, 1, -2) .. string.format(alike, count, failed, deleted, since))
      recorded = recorded + 1
    end
  end
  return recorded
end

-- Records intents without an outcome as interrupted: after 15 minutes, or sooner if there are too many. At most 8 at a time.
-- Returns how many.
local function record_interrupted(now)
  local removed = 0
  local left = redis.call('XLEN', KEYS[4])
  if left == 0 then return 0 end
  for _, entry in ipairs(redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', 8)) do
    if now - time_of(entry[1]) < INTENT_OVERDUE_MS and left <= MAX_INTENTS then break end
    redis.call('XDEL', KEYS[4], entry[1])
    removed = removed + 1
    left = left - 1
    local stream, record = tonumber(entry[2][2]), entry[2][4]
    if stream and record then
      record = string.gsub(record, '"outcome":"running"}$', '"outcome":"interrupted"}')
      record = string.gsub(record, '"operationId":"~', '"operationId":"' .. entry[1] .. '-', 1)
      append(stream, record)
    end
  end
  return removed
end

local function record_overdue(now) return record_sums(now) + record_interrupted(now) end

-- A replica refuses to record, which is no reason not to read.
local function try_recording_overdue()
  pcall(function()
    if redis.call('XLEN', KEYS[4]) + redis.call('HLEN', KEYS[6]) == 0 then return end
    allow_writes_when_full()
    record_overdue(clock())
  end)
end

-- Adds to a counter that expires a window after its first addition; from now on if somebody made it persistent.
local function add_to_counter(counter, add, window_ms)
  local value = redis.call('INCRBY', counter, add)
  if redis.call('PTTL', counter) == -1 then redis.call('PEXPIRE', counter, window_ms) end
  return value
end

-- Adds to the counters that ARGV names from a place on. A failure to count must not fail the change.
local function count_changes(from)
  for place = from, #ARGV, 2 do redis.pcall('HINCRBY', KEYS[7], ARGV[place], ARGV[place + 1]) end
end

