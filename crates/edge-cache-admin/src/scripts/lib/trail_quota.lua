-- Precedes scripts that write to the audit trail, after trail.lua.
-- KEYS: 8 and 9 counters of what may be recorded by itself
-- ARGV: 2 the stream, 3 the record, 4 the record without names, for a summary record, 5 the name of the sum, 6 the record's time as
--       text, 7 the most that KEYS 8 may count in a minute, 8 the most that KEYS 9 may count, 9 what is added to it, 10 the
--       milliseconds of its window
local stream = tonumber(ARGV[2])

-- Returns true if the record is written by itself, and the value of the first counter. Attempts past that counter's limit do not
-- add to the second, which counts for others too.
local function is_within_quota()
  local attempts = add_to_counter(KEYS[8], 1, WINDOW_MS)
  if attempts > tonumber(ARGV[7]) then return false, attempts end
  return add_to_counter(KEYS[9], ARGV[9], ARGV[10]) <= tonumber(ARGV[8]), attempts
end

