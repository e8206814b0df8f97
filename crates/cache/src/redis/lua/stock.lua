-- stock
-- KEYS: feed, states, thresholds, then the product's stock per change.
-- ARGV: store epoch, then per change: product, sku, pool, version, available, sellable, bit of the policy, shop, traceparent.
-- Returns 1 per change that was newer than what stood there, else 0.
local epoch = ARGV[1]
local answers = {}
for i = 4, #KEYS do
  local at = 2 + (i - 4) * 9
  local product, sku, pool, version, available, sellable, policy, shop, trace = unpack(ARGV, at, at + 8)
  local field = 's' .. SEPARATOR .. sku .. SEPARATOR .. pool
  local known = redis.call('HMGET', KEYS[i], field, 'l')
  local fresh, units, old_policy = true, 0, nil
  if known[1] then
    local old_epoch, old_version, old_units
    old_epoch, old_version, old_units, old_policy = level(known[1])
    fresh, units = newer(epoch, version, old_epoch, old_version), tonumber(old_units or 0)
    -- Nobody knows what it had added to the sums.
    if not old_epoch then recount(KEYS[i], pool) end
  end
  if fresh then
    redis.call('HSET', KEYS[i], field, table.concat({ epoch, version, available, sellable, policy }, ' '))
    if shop ~= '' then redis.call('HSET', KEYS[i], 'h', shop) end
    redis.call('HINCRBY', KEYS[i], 't' .. SEPARATOR .. pool, tonumber(sellable) - units)
    if old_policy ~= policy then
      if old_policy and old_policy ~= '1' then redis.call('HINCRBY', KEYS[i], old_policy .. SEPARATOR .. pool, -1) end
      if policy ~= '1' then redis.call('HINCRBY', KEYS[i], policy .. SEPARATOR .. pool, 1) end
    end
    local listed = not known[2] or string.sub(known[2], -1) ~= '0'
    derive(KEYS[1], KEYS[2], KEYS[3], KEYS[i], product, pool, listed, trace)
  end
  answers[i - 3] = fresh and 1 or 0
end
return answers
