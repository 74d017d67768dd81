-- Records the intent of a change before it begins.
-- KEYS, ARGV: of trail.lua and trail_quota.lua
-- Reply: the intent's id; 'sum' if the change is past a quota and was summed up
-- Cost: constant; what is overdue is recorded too, 8 at a time.
allow_writes_when_full()
if not is_within_quota() then
  sum_up(ARGV[5], stream, 1, 0, 0, ARGV[6], ARGV[4])
  return 'sum'
end
local id = redis.call('XADD', KEYS[4], '*', 'stream', stream, 'record', ARGV[3])
record_overdue(time_of(id))
return id
