-- Gathered removals: patterns whose keys one walk removes (src/keyspace/gathered.rs). They are a hash: the pattern of each fence, by its
-- id. Those of soft purges, whose keys the walk marks stale, are another one; each has its soft grace and a space before it. The state, a
-- third hash, has the number of the next turn and, while a walk runs, its cursor and the newest fence that it works for.

-- A turn that was announced is expected to begin within this time. After that, anybody may announce it again.
local TURN_BEGINS_WITHIN_MS = 5000

-- Replaces another client's value of another type.
local function ensure_hash(key)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'hash' and kind ~= 'none' then redis.call('UNLINK', key) end
end

local function next_turn(state) return redis.call('HGET', state, 'turn') or '0' end

local function expect_turn(announced) redis.call('SET', announced, '', 'PX', TURN_BEGINS_WITHIN_MS) end

-- Returns the number of the turn that the caller is to announce, or '' while one is expected to begin.
local function turn_to_announce(state, announced)
  if not redis.call('SET', announced, '', 'NX', 'PX', TURN_BEGINS_WITHIN_MS) then return '' end
  return next_turn(state)
end

-- Returns the fences that the walk removes for, and their patterns.
local function patterns_until(patterns, newest)
  local ids, texts = {}, {}
  local fields = redis.call('HGETALL', patterns)
  for i = 1, #fields, 2 do
    if not is_later(fields[i], newest) then
      ids[#ids + 1] = fields[i]
      texts[#texts + 1] = fields[i + 1]
    end
  end
  return ids, texts
end

-- Records how far the walk is: its position, '' at its end, and how many keys a slice removed and marked stale. At its end, its fences
-- end. Needs lib/fences.lua. KEYS: 1 the state, 2 the patterns, 3 the announcement, 5 the fences, 6 the patterns of soft purges.
local function advance_walk(position, counted, marked)
  local newest = redis.call('HGET', KEYS[1], 'newest')
  local removed = redis.call('HINCRBY', KEYS[1], 'removed', counted)
  local stale = redis.call('HINCRBY', KEYS[1], 'stale', marked)
  if position ~= '' then
    redis.call('HSET', KEYS[1], 'cursor', position)
    expect_turn(KEYS[3])
    return { 1, removed, stale }
  end

  redis.call('HDEL', KEYS[1], 'newest', 'cursor', 'removed', 'stale', 'run_id')
  for _, patterns in ipairs({ KEYS[2], KEYS[6] }) do
    for _, id in ipairs((patterns_until(patterns, newest))) do
      redis.call('HDEL', patterns, id)
      end_fence(KEYS[5], id)
    end
  end
  return { 0, removed, stale }
end
