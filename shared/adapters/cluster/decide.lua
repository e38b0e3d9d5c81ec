-- Decides a batch of drawn frames, one after the other, as one atomic step (shared/ports/state.py: decide).
-- KEYS: every memo, counter, ring and index once. ARGV, per frame: memo key's index, memo's ttl; what is decided; ring's index
-- or 0, and for a ring: entry, most bits, size, greatest age, ttl, add (1, 0), known index's index or 0; then, with a match,
-- 0 for the same or 1 and what is decided instead. What is decided: decision, number of charges; then per charge: counter's
-- index, amount, most, ttl, name.
-- Returns, per frame: the memo that was there, or {name that refused or '', distance or -1, in the index of known (1, 0)}.
-- A memo is "0" .. decision, or "1" .. eight hex digits (length of the name) .. name that refused .. decision; of a
-- near-duplicate "2" .. known (1, 0) .. two hex digits (distance) stand before that.
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

local function take_case()
  local case = { decision = take(), charges = {} }
  for i = 1, tonumber(take()) do
    case.charges[i] = { key = tonumber(take()), amount = tonumber(take()), most = tonumber(take()), ttl = take(), name = take() }
  end
  return case
end

local function take_near()
  local ring = tonumber(take())
  if ring == 0 then return nil end
  return {
    ring = ring,
    entry = take(),
    most_bits = tonumber(take()),
    size = tonumber(take()),
    max_age = tonumber(take()),
    ttl = take(),
    add = take() == '1',
    known = tonumber(take()),
  }
end

local function take_frame()
  local frame = { memo = tonumber(take()), ttl = take(), usual = take_case(), near = take_near() }
  frame.matched = frame.near and take() == '1' and take_case() or frame.usual
  return frame
end

local some_known = {} -- index's index -> whether it holds anything: asked once per batch
local function knows_any(key)
  if some_known[key] == nil then some_known[key] = redis.call('EXISTS', KEYS[key]) == 1 end
  return some_known[key]
end

local function match(near)
  local bits = nearest_in_ring(values[near.ring] or '', near)
  if bits then return bits, '0' end
  if near.known == 0 or not knows_any(near.known) then return nil end
  return nearest_in_index(KEYS[near.known], near), '1'
end

local function join(near)
  values[near.ring] = grown(values[near.ring] or '', near)
  redis.call('SET', KEYS[near.ring], values[near.ring], 'EX', near.ttl)
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

local function decide(frame)
  local near, bits, known = frame.near, nil, nil
  if near then bits, known = match(near) end
  local case = bits and frame.matched or frame.usual
  local name = refused_by(case.charges)
  if not name then pay(case.charges) end
  if near and near.add and not bits and not name then join(near) end
  local memo = name and '1' .. string.format('%08x', #name) .. name .. case.decision or '0' .. case.decision
  if bits then memo = '2' .. known .. string.format('%02x', bits) .. memo end
  values[frame.memo] = memo
  redis.call('SET', KEYS[frame.memo], memo, 'EX', frame.ttl)
  return { name or '', bits or -1, tonumber(known or '0') }
end

local answers = {}
while at < #ARGV do
  local frame = take_frame()
  answers[#answers + 1] = values[frame.memo] or decide(frame)
end

for key, charged in pairs(touched) do
  redis.call('INCRBY', KEYS[key], string.format('%.0f', charged.sum))
  redis.call('EXPIRE', KEYS[key], charged.ttl)
end
return answers
