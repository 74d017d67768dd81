-- Fences: the stream `cache:fences` of recorded invalidations (src/keyspace/fence.rs has the rules).
--
-- The id of its first entry is its epoch. The entry stays first as long as the stream exists. An entry of the kind `end` names a fence
-- whose removal has finished; one of the kind `trimmed` names the newest entry that has left: who knows only older ones may have missed it.
-- The fences of soft purges have `stale`, a number of milliseconds and a space before their kind (src/keyspace/fence/kind.rs).

-- Beyond so many entries, those leave that no reader and no load needs any more; at the second limit a new stream begins.
local KEPT_FENCES, MAX_FENCES = 1000, 10000
-- Entries are let go each time that the stream has a multiple of so many.
local TRIM_EVERY = 100
-- How long a fence stays after its removal has finished: an entry that was read before may be judged by a view that is asked for later.
local RETAIN_MS = 20000

-- Begins the stream, and returns the id of its first fence. The id's second part is one that Redis does not reach by itself (it starts at
-- 0 in each millisecond), so no stamp taken from an earlier stream can come again.
local function begin_fences(fences, number, kind, what)
  redis.call('UNLINK', fences)
  -- The id that Redis assigns contains the time. TIME would need a right that users seldom have.
  local milliseconds = string.match(redis.call('XADD', fences, '*', kind, what), '^%d+')
  redis.call('UNLINK', fences)
  return redis.call('XADD', fences, milliseconds .. '-' .. number, kind, what)
end

-- Returns the time after a soft purge for which entries without grace may be served, or nil for a hard fence; then by what a fence covers
-- keys: 'pattern', 'tag' or 'key'.
local function purge_of(kind)
  local grace, by = string.match(kind, '^stale (%d+) (.*)$')
  return grace, by or kind
end

-- Returns whether a fence is of named keys, which were invalidated in the step that appended it.
local function is_of_key(kind)
  local _, by = purge_of(kind)
  return by == 'key'
end

local function milliseconds_of(id) return tonumber(string.match(id, '^%d+')) end

local function is_later(id, other)
  local milliseconds, number = string.match(id, '^(%d+)-(%d+)$')
  local other_milliseconds, other_number = string.match(other, '^(%d+)-(%d+)$')
  if not (number and other_number) then return false end
  if milliseconds ~= other_milliseconds then return tonumber(milliseconds) > tonumber(other_milliseconds) end
  return tonumber(number) > tonumber(other_number)
end

-- Returns when each fence's removal finished, by its id. A removal also finishes what an interrupted one of the same kind left.
local function finished_removals(entries)
  local finished, series_of, place_of, all = {}, {}, {}, {}
  for _, entry in ipairs(entries) do
    local id, kind, what = entry[1], entry[2][1], entry[2][2]
    local series = series_of[what]
    if kind ~= 'end' then
      local name = kind .. ' ' .. what
      series = all[name] or { next = 1 }
      all[name] = series
      series[#series + 1] = id
      series_of[id], place_of[id] = series, #series
    elseif series then
      for n = series.next, place_of[what] do finished[series[n]] = milliseconds_of(id) end
      series.next = math.max(series.next, place_of[what] + 1)
    end
  end
  return finished
end

-- Lets go the oldest entries that are not needed, now and then, because it reads the whole stream. The first and the newest stay.
local function trim_fences(fences, newest)
  local length = redis.call('XLEN', fences)
  if length < KEPT_FENCES * 1.2 or length % TRIM_EVERY ~= 0 then return end

  local entries = redis.call('XRANGE', fences, '-', '+')
  local finished, now, left, trimmed = finished_removals(entries), milliseconds_of(newest), length, nil
  for i = 2, #entries - 1 do
    local id, kind = entries[i][1], entries[i][2][1]
    local since = finished[id]
    if kind == 'end' or is_of_key(kind) or kind == 'begin' or kind == 'trimmed' then since = milliseconds_of(id) end
    if left > KEPT_FENCES and since and now - since >= RETAIN_MS then
      redis.call('XDEL', fences, id)
      left, trimmed = left - 1, id
    end
  end
  if left > MAX_FENCES then
    begin_fences(fences, '1000004', 'begin', '')
  elseif trimmed then
    redis.call('XADD', fences, '*', 'trimmed', trimmed)
  end
end

-- Appends a fence and returns its id. Redis refuses to grow a full database until the script has deleted a name, so one is deleted
-- first: a fence must succeed, because the removal after it frees memory that a load in flight could use to store an old value.
local function append_fence(fences, none, kind, what)
  redis.call('DEL', none)
  if redis.call('EXISTS', fences) == 0 then return begin_fences(fences, '1000005', kind, what) end
  local id = redis.pcall('XADD', fences, '*', kind, what)
  if type(id) == 'string' then
    trim_fences(fences, id)
    return id
  end
  -- Another client's value under this name: a new stream replaces it, and loads in flight are not stored.
  if string.find(id.err, 'WRONGTYPE', 1, true) then return begin_fences(fences, '1000003', kind, what) end
  return redis.call('XADD', fences, '*', kind, what)
end

-- Records that the removal of a fence has finished. Returns false when the stream no longer has the fence. Where Redis refuses the entry, the
-- next invalidation of the same kind says it as well.
local function end_fence(fences, id)
  local found = redis.pcall('XRANGE', fences, id, id)
  if found.err or not found[1] then return false end
  local entry = redis.pcall('XADD', fences, '*', 'end', id)
  if type(entry) == 'string' then trim_fences(fences, entry) end
  return true
end

-- Returns the stamp of a load that begins: the epoch and the newest fence. Without a stream it begins one, because a server may evict it,
-- and a stamp that is not in the stream counts as older than every fence.
local function take_stamp(fences)
  local first = redis.pcall('XRANGE', fences, '-', '+', 'COUNT', 1)
  if first.err or not first[1] then
    local id = begin_fences(fences, '1000001', 'begin', '')
    return id, id
  end
  local last = redis.call('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  return first[1][1], last[1][1]
end

-- Returns nil if there is no fence after the stamp. Else a reply: 'fenced', the newest stamp, then for each fence its kind ('pattern',
-- 'tag', 'key' or 'unknown') and what it covers.
local function fences_since(fences, stamp)
  local last = redis.pcall('XREVRANGE', fences, '+', '-', 'COUNT', 1)
  if last.err then return { 'fenced', '0-0', 'unknown', '' } end
  local newest = last[1] and last[1][1] or '0-0'
  if newest == stamp then return nil end

  local reply = { 'fenced', newest }
  local entries = redis.call('XRANGE', fences, stamp, '+')
  local is_complete = entries[1] and entries[1][1] == stamp
  for _, entry in ipairs(entries) do
    if entry[2][1] == 'trimmed' and is_later(entry[2][2], stamp) then is_complete = false end
  end
  -- Fences that were trimmed or evicted may have covered any key.
  if not is_complete then
    reply[3] = 'unknown'
    reply[4] = ''
  end
  for _, entry in ipairs(entries) do
    local kind = entry[2][1]
    if entry[1] ~= stamp and kind ~= 'end' and kind ~= 'trimmed' then
      reply[#reply + 1] = kind
      reply[#reply + 1] = entry[2][2]
    end
  end
  return #reply > 2 and reply or nil
end
