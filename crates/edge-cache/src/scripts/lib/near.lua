-- Near caches. While instances keep near copies, a write by key appends a near fence, and whoever writes or invalidates waits until each
-- of them has seen it.

-- Returns for how many milliseconds an answer has to wait: 0 while nobody keeps near copies.
local function near_interval(registration)
  local interval = probably_exists(registration) and redis.pcall('GET', registration)
  return type(interval) == 'string' and tonumber(interval) or 0
end

-- Records that keys were written or removed. Instances that miss one of the last 1,000 drop all their copies.
local function append_near_fences(stream, keys)
  for _, key in ipairs(keys) do
    local id = redis.pcall('XADD', stream, 'MAXLEN', '~', 1000, '*', 'key', key)
    if type(id) == 'table' then
      redis.call('UNLINK', stream)
      redis.call('XADD', stream, '*', 'key', key)
    end
  end
end
