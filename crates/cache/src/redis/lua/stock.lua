-- KEYS: feed, states, then the product's stock per change.
-- ARGV: store epoch, then per change: product, sku, pool, version, available, sellable, traceparent.
-- Returns 1 per change that was newer than what stood there, else 0.
local epoch = ARGV[1]
local answers = {}
for i = 3, #KEYS do
  local at = 2 + (i - 3) * 7
  local product, sku, pool, version, available, sellable, trace = unpack(ARGV, at, at + 6)
  local field = 's' .. SEPARATOR .. sku .. SEPARATOR .. pool
  local known = redis.call('HMGET', KEYS[i], field, 'l')
  local fresh, units = true, 0
  if known[1] then
    local old_epoch, old_version, old_units = string.match(known[1], '^(%d+) (%d+) %-?%d+ (%d+)$')
    fresh, units = newer(epoch, version, old_epoch, old_version), tonumber(old_units)
  end
  if fresh then
    redis.call('HSET', KEYS[i], field, epoch .. ' ' .. version .. ' ' .. available .. ' ' .. sellable)
    local total = redis.call('HINCRBY', KEYS[i], 't' .. SEPARATOR .. pool, tonumber(sellable) - units)
    local delisted = known[2] and string.sub(known[2], -1) == '0'
    settle(KEYS[1], KEYS[2], product, pool, delisted and 'x' or count(total), trace)
  end
  answers[i - 2] = fresh and 1 or 0
end
return answers
