-- Reads the hot keys of minutes (`counters/add` in the library writes them).
-- KEYS: the minutes (hashes)
-- Reply: for each minute one string of MessagePack: lookups, instances, floor, then for each key its name and its eight figures; '' for a
--        minute in which nobody reported
-- Cost: at most about 800 small fields of each of up to 12 minutes.
local reply = {}
for i, key in ipairs(KEYS) do
  local fields = probably_exists(key) and redis.pcall('HGETALL', key) or {}
  local figures, packed = { lookups = 0, instances = 0, floor = 0 }, {}
  for n = 1, #fields, 2 do
    local name, value = fields[n], fields[n + 1]
    if figures[name] then
      figures[name] = tonumber(value) or 0
    else
      -- A field that another client wrote may hold anything.
      local is_readable, counts = pcall(function() return { cmsgpack.unpack(value) } end)
      if is_readable and #counts == 8 and string.sub(name, 1, 1) == 'k' then
        packed[#packed + 1] = cmsgpack.pack(string.sub(name, 2), unpack(counts))
      end
    end
  end
  local head = #fields > 0 and cmsgpack.pack(figures.lookups, figures.instances, figures.floor) or ''
  reply[i] = head .. table.concat(packed)
end
return reply
