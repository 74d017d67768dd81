-- Records the outcome of a change, in place of its intent.
-- KEYS, ARGV: of trail.lua and trail_quota.lua, and ARGV: 11 the intent's id, 'sum', or empty if it was not recorded; 12 the
--       request's id as it stands in a record; 13 1 if the change failed, else 0; 14 keys deleted; 15.. names of counters, each
--       followed by what to add
-- Reply: 1
-- Cost: constant; what is overdue is recorded too, 8 at a time. If the change took longer than 15 minutes, up to 1,024 records
--       are searched for the one that calls it interrupted.
allow_writes_when_full()
local intent, failed, deleted = ARGV[11], tonumber(ARGV[13]), tonumber(ARGV[14])

-- The intent may have been recorded even if its reply was lost.
local function remove_intent_of_request()
  for _, entry in ipairs(redis.call('XREVRANGE', KEYS[4], '+', '-', 'COUNT', 32)) do
    if string.find(entry[2][4] or '', ARGV[12], 1, true) then redis.call('XDEL', KEYS[4], entry[1]) end
  end
end

local function is_interrupted(record)
  return string.find(record, '"at":"' .. ARGV[6] .. '"', 1, true)
    and string.find(record, ARGV[12], 1, true)
    and string.find(record, '"outcome":"interrupted"}$')
end

-- Removes the record that calls this change interrupted, which it got because it ran for so long.
local function remove_interrupted_record()
  local from = '+'
  for _ = 1, 8 do
    local entries = redis.call('XREVRANGE', KEYS[stream], from, intent, 'COUNT', 128)
    for _, entry in ipairs(entries) do
      if is_interrupted(entry[2][2] or '') then
        local size = math.max(size_of(stream) - bytes_of(entry), 0)
        redis.call('HSET', KEYS[5], stream, string.format('%d', size))
        redis.call('XDEL', KEYS[stream], entry[1])
        return
      end
    end
    if #entries < 128 then return end
    from = '(' .. entries[#entries][1]
  end
end

local has_no_intent = intent == ''
if has_no_intent then remove_intent_of_request() end

if intent == 'sum' then
  -- The intent has counted the change; only its result is added.
  sum_up(ARGV[5], stream, 0, failed, deleted, ARGV[6], ARGV[4])
elseif has_no_intent and not is_within_quota() then
  sum_up(ARGV[5], stream, 1, failed, deleted, ARGV[6], ARGV[4])
else
  if not has_no_intent and redis.call('XDEL', KEYS[4], intent) == 0 then remove_interrupted_record() end
  record_overdue(append(stream, ARGV[3]))
end

count_changes(15)
return 1
