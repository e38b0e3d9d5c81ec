-- Sets fields that are not there yet, as one atomic step (shared/ports/state.py: fix).
-- KEYS: the hash. ARGV: ttl, then per field its name and its value. Returns the values that are there now, in order.

local there = {}
for i = 2, #ARGV, 2 do
  redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1])
  there[#there + 1] = redis.call('HGET', KEYS[1], ARGV[i])
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return there
