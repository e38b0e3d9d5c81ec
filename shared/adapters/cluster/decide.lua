-- Decides a batch of drawn frames, one after the other, as one atomic step (shared/ports/state.py: decide).
-- KEYS: every memo and counter once. ARGV, per frame: memo key's index, decision, memo's ttl, number of charges; then per
-- charge: counter's index, amount, most, ttl, name. Returns, per frame: the memo that was there, or {name that refused or ''}.
-- A memo is "0" .. decision, or "1" .. eight hex digits (length of the name) .. name that refused .. decision.
-- Counters are compared as doubles, exact below 2^53, and written by INCRBY as text that Lua never rounds.

local CHUNK = 1000 -- unpack() has a limit near 8,000

local values = {}
for first = 1, #KEYS, CHUNK do
  local last = math.min(first + CHUNK - 1, #KEYS)
  local got = redis.call('MGET', unpack(KEYS, first, last))
  for i = 1, last - first + 1 do values[first + i - 1] = got[i] end
end

local at = 0
local function take()
  at = at + 1
  return ARGV[at]
end

local function take_charges()
  local charges = {}
  for i = 1, tonumber(take()) do
    charges[i] = { key = tonumber(take()), amount = tonumber(take()), most = tonumber(take()), ttl = take(), name = take() }
  end
  return charges
end

local function refused_by(charges)
  local counters = {} -- a counter may be named twice: each charge counts
  for _, charge in ipairs(charges) do
    local counter = (counters[charge.key] or tonumber(values[charge.key] or '0')) + charge.amount
    if counter > charge.most then return charge.name end
    counters[charge.key] = counter
  end
  return nil
end

local touched = {} -- counter's index -> {sum charged, ttl}
local function pay(charges)
  for _, charge in ipairs(charges) do
    values[charge.key] = tonumber(values[charge.key] or '0') + charge.amount
    local before = touched[charge.key] or { sum = 0, ttl = '0' }
    touched[charge.key] = { sum = before.sum + charge.amount, ttl = charge.ttl }
  end
end

local answers = {}
while at < #ARGV do
  local memo, decision, ttl = tonumber(take()), take(), take()
  local charges = take_charges()
  if values[memo] then
    answers[#answers + 1] = values[memo]
  else
    local name = refused_by(charges)
    if not name then pay(charges) end
    values[memo] = name and '1' .. string.format('%08x', #name) .. name .. decision or '0' .. decision
    redis.call('SET', KEYS[memo], values[memo], 'EX', ttl)
    answers[#answers + 1] = { name or '' }
  end
end

for key, charged in pairs(touched) do
  redis.call('INCRBY', KEYS[key], string.format('%.0f', charged.sum))
  redis.call('EXPIRE', KEYS[key], charged.ttl)
end
return answers
