-- A part of the scripts of old instances.
local function may_be_there(name) return redis.pcall('MEMORY', 'USAGE', name, 'SAMPLES', 1) end
local function there(name) return may_be_there(name) and redis.call('EXISTS', name) == 1 end
