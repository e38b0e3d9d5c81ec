-- Adds whole numbers to fields of counters, as one atomic step (shared/ports/state.py: add).
-- KEYS: a mark of this call, then the counters. ARGV: ttl, the mark's ttl; then per counter: number of fields, and per field
-- its name and what is added. The mark makes a call that was sent again, because its answer was lost, count once.
-- Numbers stay text on their way: Lua would round those above 2^53.

if not redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[2]) then return 0 end

local at = 3
for k = 2, #KEYS do
  local last = at + 2 * tonumber(ARGV[at])
  for i = at + 1, last, 2 do redis.call('HINCRBY', KEYS[k], ARGV[i], ARGV[i + 1]) end
  redis.call('EXPIRE', KEYS[k], ARGV[1])
  at = last + 1
end
return 1
