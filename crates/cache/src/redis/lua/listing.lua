-- listing
-- KEYS: feed, states, thresholds, the product's stock.
-- ARGV: store epoch, product, version, 1 on sale or 0 off, traceparent.
-- Returns 1 if it was newer than what stood there, else 0.
local epoch, product, version, listed, trace = unpack(ARGV)
local known = redis.call('HGET', KEYS[4], 'l')
if known then
  local old_epoch, old_version = string.match(known, '^(%d+) (%d+) ')
  if not newer(epoch, version, old_epoch, old_version) then return 0 end
end
redis.call('HSET', KEYS[4], 'l', epoch .. ' ' .. version .. ' ' .. listed)
derive_all(KEYS[1], KEYS[2], KEYS[3], KEYS[4], product, trace)
return 1
