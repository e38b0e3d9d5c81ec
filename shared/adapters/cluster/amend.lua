-- Replaces the decision in a memo and keeps who refused it (shared/ports/state.py: amend; the memo's form: decide.lua).
-- KEYS: the memo. ARGV: decision, ttl.

local memo = redis.call('GET', KEYS[1]) or '0'
local refusal = '0'
if memo:sub(1, 1) == '1' then refusal = memo:sub(1, 9 + tonumber(memo:sub(2, 9), 16)) end
redis.call('SET', KEYS[1], refusal .. ARGV[1], 'EX', ARGV[2])
return 1
