-- Existence checks that Redis does not count as lookups.
--
-- Redis counts a missing key as a miss when a script asks with EXISTS or GET, and operators judge a cache by its misses. MEMORY USAGE
-- is not counted, so it asks first. It may also report a key that has just expired, and the Redis user may lack the right to run it;
-- only its "no" is final. Each refusal adds an entry to the server's ACL LOG, so after the first one it is not asked again.
local is_refused = false
local function memory_usage(name, samples)
  if is_refused then return true end
  local bytes = redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', samples)
  is_refused = type(bytes) == 'table'
  return is_refused or bytes
end
local function probably_exists(name) return memory_usage(name, 1) end
local function exists(name) return probably_exists(name) and redis.call('EXISTS', name) == 1 end

-- Returns the key's memory in bytes, or -1 if the server does not report it.
local function memory_of(name)
  local bytes = memory_usage(name, 5)
  return type(bytes) == 'number' and bytes or -1
end

