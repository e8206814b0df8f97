-- step_down
-- KEYS: per record the hash that holds it.
-- ARGV: store epoch, then per record: its field, the version that gives way, the version before that.
-- Returns 1 per record that stood under exactly that version, else 0.
local epoch = ARGV[1]
local LEVEL = '^s' .. SEPARATOR .. '[^' .. SEPARATOR .. ']*' .. SEPARATOR .. '(.*)$'

-- What is kept beside the levels of a pool is counted anew: whatever changed a level may not have moved it.
local function recount(stock, pool)
  local total, uncounted = 0, {}
  local levels = redis.call('HGETALL', stock)
  for at = 1, #levels, 2 do
    if string.match(levels[at], LEVEL) == pool then
      local sellable, policy = string.match(levels[at + 1], '^%d+ %d+ %-?%d+ (%d+) (%d+)$')
      total = total + tonumber(sellable)
      uncounted[tonumber(policy)] = (uncounted[tonumber(policy)] or 0) + 1
    end
  end
  redis.call('HSET', stock, 't' .. SEPARATOR .. pool, string.format('%.0f', total))
  for _, bit in ipairs(UNCOUNTED) do
    redis.call('HSET', stock, bit .. SEPARATOR .. pool, uncounted[bit] or 0)
  end
end

local answers = {}
for i = 1, #KEYS do
  local field, version, before = unpack(ARGV, 3 * i - 1, 3 * i + 1)
  local known = redis.call('HGET', KEYS[i], field) or ''
  local standing = epoch .. ' ' .. version .. ' '
  local stands = string.sub(known, 1, #standing) == standing
  if stands then
    redis.call('HSET', KEYS[i], field, epoch .. ' ' .. before .. ' ' .. string.sub(known, #standing + 1))
    local pool = string.match(field, LEVEL)
    if pool then recount(KEYS[i], pool) end
  end
  answers[i] = stands and 1 or 0
end
return answers
