-- Changes of how long keys live, with the trailers of those that are entries.
--
-- Returns a function that changes a key. `needed_by` says which keys change: 'any', 'longer' those that live longer than the new expiry,
-- 'shorter' those that live shorter, 'endless' those without an expiry, 'stale' any, but none gets a longer life. Keys with no more than `provision` milliseconds left (nil: no such
-- limit) do not get a longer life. The function takes the name, the trailer that was read ('' for a foreign value), the number of bytes at
-- the end to replace, their replacement, and milliseconds until the key expires ('' to remove the expiry). It returns 1 if the key was
-- changed, 0 if its value was written since the trailer was read, 2 if it needs no change or is gone.
local function lives_changer(needed_by, provision)
  local function is_unconfirmed(left, expiry)
    return provision and needed_by ~= 'stale' and left >= 0 and left <= provision and (expiry == '' or tonumber(expiry) > left)
  end
  local function needs(left, expiry)
    if left == -2 or (expiry == '' and left == -1) or is_unconfirmed(left, expiry) then return false end
    if needed_by == 'longer' then return left == -1 or left > tonumber(expiry) end
    if needed_by == 'shorter' then return left >= 0 and left < tonumber(expiry) end
    return needed_by == 'any' or needed_by == 'stale' or left == -1
  end

  local function replace_trailer(name, length, replaced, new)
    if redis.call('TYPE', name).ok == 'string' then
      redis.call('SETRANGE', name, length - replaced, new)
    else
      redis.call('LSET', name, 0, string.sub(redis.call('LINDEX', name, 0), 1, -replaced - 1) .. new)
    end
  end

  return function(name, old, replaced, new, expiry)
    local left = redis.call('PTTL', name)
    if not needs(left, expiry) then return 2 end
    local trailer, length = trailer_of(name)
    if (trailer or '') ~= old then return 0 end

    if new ~= '' then replace_trailer(name, length, replaced, new) end
    local lives_long_enough = needed_by == 'stale' and left >= 0 and left <= tonumber(expiry)
    if expiry == '' then
      redis.call('PERSIST', name)
    elseif not lives_long_enough then
      redis.call('PEXPIRE', name, expiry)
    end
    return 1
  end
end
