-- Empties the database, atomically carrying over the keys that outlive a global clear.
-- KEYS: 1 the fences, 2 a key that never exists, 3 the warmup lock, 4 the registration of near caches; then the set of namespaces and the
--       keys of an audit trail; then the keys to carry over (small ones: each is dumped and restored with its remaining time to live)
-- Reply: 'flushed', number of keys removed that count (lib/protected.lua), 1 if that number is exact, for how many milliseconds
--        from now near caches may not know it; or 'walk', with nothing removed, if FLUSHDB or RESTORE cannot be used, or the database has
--        records of an audit trail or keys of other namespaces
-- Cost: FLUSHDB ASYNC frees the memory in a background thread; about 3 ms to count.
if not can_flush() then return { 'walk' } end

local keys, is_exact = count_keys()
-- A full server lets a script restore keys once it has deleted something, even something that does not exist.
redis.call('DEL', KEYS[2])

-- The time for RESTORE: it takes 0 for a key that does not expire, but a key in its last millisecond does.
local function restore_ms(left)
  if left == 0 then return 1 end
  return math.max(left, 0)
end

local carried = {}
for i = 5, #KEYS do
  local name = KEYS[i]
  local dump = not is_spared(name, true) and redis.call('DUMP', name)
  if dump then
    carried[#carried + 1] = { name = name, ttl = restore_ms(redis.call('PTTL', name)), dump = dump }
    -- A key that cannot be restored must not be flushed.
    local restored = redis.pcall('RESTORE', KEYS[2], 0, dump)
    redis.call('DEL', KEYS[2])
    if restored.err then return { 'walk' } end
  end
end

local interval = near_interval(KEYS[4])
local flushed = redis.pcall('FLUSHDB', 'ASYNC')
if flushed.err then return { 'walk' } end
for _, key in ipairs(carried) do redis.call('RESTORE', key.name, key.ttl, key.dump) end

-- A running warmup must not store what it loaded before.
if redis.call('EXISTS', KEYS[3]) == 1 then begin_fences(KEYS[1], '1000002', 'pattern', '*') end
return { 'flushed', keys, is_exact, interval }
