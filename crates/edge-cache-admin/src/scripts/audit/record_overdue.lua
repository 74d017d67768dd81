-- Records what is overdue: changes that began and have no outcome, and sums that are a minute old.
-- KEYS, ARGV: of trail.lua
-- Reply: how many records were written
-- Cost: constant; 8 at a time.
if redis.call('XLEN', KEYS[4]) == 0 and redis.call('HLEN', KEYS[6]) == 0 then return 0 end
allow_writes_when_full()
return record_overdue(clock())
