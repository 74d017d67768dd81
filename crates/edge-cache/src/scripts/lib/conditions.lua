
-- Conditions on keys besides their names: type, size, TTL, idle time (src/keyspace/conditions.rs).
--
-- Returns a function that tests a name. It returns nil if this node cannot read the key, because its slot is moving. If the server refuses
-- a command that a condition needs, the script fails, and the error names the condition. It also fails on servers where scripts may use
-- only keys that they declare. No test counts as a use of the key. Numbers are '' if there is no such condition.
local function conditions_of(kind, min_bytes, max_left, without_expiry, min_idle)
  min_bytes, max_left, min_idle = tonumber(min_bytes), tonumber(max_left), tonumber(min_idle)
  local function ask(condition, ...)
    local reply = redis.pcall(...)
    if type(reply) == 'table' then error('refused condition ' .. condition .. ': ' .. tostring(reply.err)) end
    return reply or -1
  end

  return function(name)
    local left = redis.pcall('PTTL', name)
    if type(left) ~= 'number' then
      if string.find(left.err, 'undeclared key', 1, true) then error(left.err) end
      return nil
    end
    if left == -2 or (without_expiry == '1' and left ~= -1) then return false end
    if max_left and (left < 0 or left > max_left) then return false end
    if kind ~= '' and redis.call('TYPE', name).ok ~= kind then return false end
    if min_idle and ask('idleSeconds', 'OBJECT', 'IDLETIME', name) < min_idle then return false end
    return not min_bytes or ask('minSizeBytes', 'MEMORY', 'USAGE', name, 'SAMPLES', 5) >= min_bytes
  end
end
