-- The keys that a job's walk looks for. Needs lib/pattern.lua and lib/protected.lua.
--
-- Reads the packed patterns from ARGV[first] on, to ARGV[last] if it is given. Returns a function that says whether a name matches one of
-- them and is not protected, and the cost of a byte of a name.
local function names_covered(first, last)
  local fits, weight = {}, 0
  for i = first, last or #ARGV do
    local fit, of_pattern = matcher(ARGV[i])
    fits[#fits + 1] = fit
    weight = weight + of_pattern
  end

  local function is_covered(name)
    for _, fit in ipairs(fits) do
      if fit(name) then return not is_spared(name, false) end
    end
    return false
  end
  return is_covered, weight
end
