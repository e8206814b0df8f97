-- KEYS: feed, states, the product's stock.
-- ARGV: store epoch, product, version, 1 on sale or 0 off, traceparent.
-- Returns 1 if it was newer than what stood there, else 0.
local epoch, product, version, listed, trace = unpack(ARGV)
local known = redis.call('HGET', KEYS[3], 'l')
if known then
  local old_epoch, old_version = string.match(known, '^(%d+) (%d+) ')
  if not newer(epoch, version, old_epoch, old_version) then return 0 end
end
redis.call('HSET', KEYS[3], 'l', epoch .. ' ' .. version .. ' ' .. listed)
-- A product without any stock stands in the normal pool, so that taking it off sale is seen.
local totals, pools = { normal = false }, { 'normal' }
local fields = redis.call('HGETALL', KEYS[3])
for i = 1, #fields, 2 do
  local pool = string.match(fields[i], '^t' .. SEPARATOR .. '(.*)$')
  if pool then
    if totals[pool] == nil then table.insert(pools, pool) end
    totals[pool] = tonumber(fields[i + 1])
  end
end
table.sort(pools)
for _, pool in ipairs(pools) do
  local total = totals[pool]
  local state = listed == '0' and 'x' or (total and count(total) or nil)
  settle(KEYS[1], KEYS[2], product, pool, state, trace)
end
return 1
