-- thresholds
-- KEYS: feed, states, thresholds, then the stock of each product that is to be judged again.
-- ARGV: store epoch, shop, version, low, critical, buffer, hysteresis, traceparent, then each product.
-- Returns, once, 1 if they were newer than what stood there, else 0.
local epoch, shop, version, low, critical, buffer, hysteresis, trace = unpack(ARGV, 1, 8)
local known = redis.call('HGET', KEYS[3], shop)
local fresh = true
if known then
  local old_epoch, old_version = string.match(known, '^(%d+) (%d+) ')
  fresh = newer(epoch, version, old_epoch, old_version)
end
if fresh then
  redis.call('HSET', KEYS[3], shop, table.concat({ epoch, version, low, critical, buffer, hysteresis }, ' '))
end
for i = 4, #KEYS do
  derive_all(KEYS[1], KEYS[2], KEYS[3], KEYS[i], ARGV[5 + i], trace)
end
return { fresh and 1 or 0 }
