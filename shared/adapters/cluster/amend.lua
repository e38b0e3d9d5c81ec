-- Replaces the decision in a memo, keeps who refused it and its distance (shared/ports/state.py: amend; the memo: decide.lua).
-- KEYS: the memo. ARGV: decision, ttl.

local memo = redis.call('GET', KEYS[1]) or '0'
local first = memo:sub(1, 1) == '2' and 5 or 1 -- where the refusal begins
local last = first
if memo:sub(first, first) == '1' then last = first + 8 + tonumber(memo:sub(first + 1, first + 8), 16) end
redis.call('SET', KEYS[1], memo:sub(1, last) .. ARGV[1], 'EX', ARGV[2])
return 1
