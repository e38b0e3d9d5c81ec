-- Puts hashes into an index of known images, as one atomic step (shared/ports/state.py: learn; the index's form: near.lua).
-- KEYS: the index. ARGV: hashes of 8 bytes. Returns how many were not there.

local function holds(hashes, hash)
  for at = 1, #hashes, 8 do
    if hashes:sub(at, at + 7) == hash then return true end
  end
  return false
end

local new = 0
for _, hash in ipairs(ARGV) do
  for part = 0, 3 do
    local field = string.char(part) .. hash:sub(2 * part + 1, 2 * part + 2)
    local hashes = redis.call('HGET', KEYS[1], field) or ''
    if part == 0 and holds(hashes, hash) then break end
    if part == 0 then new = new + 1 end
    redis.call('HSET', KEYS[1], field, hashes .. hash)
  end
end
if new > 0 then redis.call('HINCRBY', KEYS[1], 'n', new) end
return new
