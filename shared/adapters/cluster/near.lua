-- Near-duplicates for decide.lua, which stands behind these lines (shared/ports/state.py: Near; learn).
-- A ring is a string of entries of 16 bytes, the latest last. An index is a hash: `n` is how many images it knows; each other
-- field is one of the four bands of a hash (band, two bytes) and holds the hashes that have this band, 8 bytes each.

local MOST_FIELDS = 68 -- four bands, each as it is and with one of its 16 bits turned
local bxor, band, shifted, numbers = bit.bxor, bit.band, bit.rshift, struct.unpack

-- The usual last step, a multiplication, would leave the integers that a double holds exactly.
local function ones(x)
  x = x - band(shifted(x, 1), 0x55555555)
  x = band(x, 0x33333333) + band(shifted(x, 2), 0x33333333)
  x = band(x + shifted(x, 4), 0x0f0f0f0f)
  x = x + shifted(x, 8)
  return band(x + shifted(x, 16), 0x3f)
end

local function nearest_in_ring(ring, near)
  local most, max_age, nearest = near.most_bits, near.max_age, nil
  local high, low, signature, time = numbers('>I4I4I4I4', near.entry)
  for at = 1, #ring, 16 do
    local h, l, s, t = numbers('>I4I4I4I4', ring, at)
    if s == signature and t - time <= max_age and time - t <= max_age then
      local bits = ones(bxor(h, high)) -- half of it: most are too far away already
      if bits <= most then bits = bits + ones(bxor(l, low)) end
      if bits <= most then most, nearest = bits, bits end
    end
  end
  return nearest
end

local function probes(entry)
  local fields = {}
  for part = 0, 3 do
    local a, b = entry:byte(2 * part + 1, 2 * part + 2)
    fields[#fields + 1] = string.char(part, a, b)
    for i = 0, 7 do
      fields[#fields + 1] = string.char(part, bxor(a, 2 ^ i), b)
      fields[#fields + 1] = string.char(part, a, bxor(b, 2 ^ i))
    end
  end
  return fields
end

local function nearest_in_index(key, near)
  local most, nearest = near.most_bits, nil
  local high, low = numbers('>I4I4', near.entry)
  for _, hashes in ipairs(redis.call('HMGET', key, unpack(probes(near.entry), 1, MOST_FIELDS))) do
    for at = 1, hashes and #hashes or 0, 8 do
      local h, l = numbers('>I4I4', hashes, at)
      local bits = ones(bxor(h, high))
      if bits <= most then bits = bits + ones(bxor(l, low)) end
      if bits <= most then most, nearest = bits, bits end
    end
  end
  return nearest
end

local function grown(ring, near)
  return string.sub(ring .. near.entry, -16 * near.size)
end
