-- Records a denied attempt unless there are many of its kind within a minute; counts it in any case.
-- KEYS, ARGV: of trail.lua and trail_quota.lua, where KEYS 8 counts attempts of one source, and 9 all of its kind that could be
--       recorded; and ARGV: 11 earlier attempts, of any source, that were turned away without asking Redis, 12 the name of their
--       sum, 13 a record of them without names, 14.. names of counters, each followed by what to add
-- Reply: attempts of this source within this minute, milliseconds until that count starts again
-- Cost: constant; what is overdue is recorded too, 8 at a time.
-- A full server refuses this write, and the record goes to the log instead: otherwise anybody could fill the server further, from
-- ever new addresses.
local is_within, attempts = is_within_quota()
if is_within then
  record_overdue(append(stream, ARGV[3]))
else
  sum_up(ARGV[5], stream, 1, 0, 0, ARGV[6], ARGV[4])
end

local turned_away = tonumber(ARGV[11])
if turned_away > 0 then sum_up(ARGV[12], stream, turned_away, 0, 0, ARGV[6], ARGV[13]) end

count_changes(14)
return { attempts, redis.call('PTTL', KEYS[8]) }
