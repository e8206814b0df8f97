-- Common to every script that writes or announces.

-- Numbers travel as decimal strings: Lua's own lose digits above 2^53.
local function above(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- Epoch first: restoring SQL from a backup raises the epoch and starts versions anew. What names no version was written by
-- no script, and gives way.
local function newer(epoch, version, old_epoch, old_version)
  if not old_epoch then return true end
  if epoch ~= old_epoch then return above(epoch, old_epoch) end
  return above(version, old_version)
end

-- Each entry of the feed names the one before it, so that a follower proves that it missed none.
local before_next
local function announce(feed, ...)
  if not before_next then
    local newest = redis.call('XREVRANGE', feed, '+', '-', 'COUNT', 1)
    before_next = newest[1] and newest[1][1] or '0-0'
  end
  before_next = redis.call('XADD', feed, '*', 'p', before_next, ...)
end

-- Ids hold no control characters, so this one separates them.
local SEPARATOR = '\31'

-- Tells followers of a product's state in a pool if it moved; a state of nil is "unknown".
local function settle(feed, states, product, pool, state, trace)
  local field = product .. SEPARATOR .. pool
  local known = redis.call('HGET', states, field) or nil
  if known == state then return end
  if state then
    redis.call('HSET', states, field, state)
  else
    redis.call('HDEL', states, field)
  end
  announce(feed, 'k', 'a', 'i', product, 'o', pool, 's', state or 'u', 't', trace)
end

-- The thresholds of a shop; without any, nothing is low before it is out.
local known_thresholds = {}
local function thresholds_of(thresholds, shop)
  local known = known_thresholds[shop]
  if not known then
    local record = redis.call('HGET', thresholds, shop) or ''
    local low, critical, buffer, hysteresis = string.match(record, '^%d+ %d+ (%d+) (%d+) (%d+) (%d+)$')
    known = { tonumber(low or 0), tonumber(critical or 0), tonumber(buffer or 0), tonumber(hysteresis or 0) }
    known_thresholds[shop] = known
  end
  return known
end

-- tandem_domain::stock::Thresholds::judge. Supplies are numbered: 0 plenty, 1 low, 2 critical, 3 out.
local function judge(thresholds, total, before)
  local low, critical, buffer, hysteresis = unpack(thresholds)
  local units = math.max(total - buffer, 0)
  local function reached(supply, at)
    return units <= at + (before >= supply and hysteresis or 0)
  end
  if reached(3, 0) then return 0, 3 end
  if critical > 0 and reached(2, critical) then return units, 2 end
  if low > 0 and reached(1, low) then return units, 1 end
  return units, 0
end

-- Policies that sell without units, by their bits.
local UNCOUNTED = { 2, 4, 8 }

-- The stock of a SKU in a pool: its field, and epoch, version, sellable units and policy of its value; nothing of one that
-- no script wrote.
local LEVEL = '^s' .. SEPARATOR .. '[^' .. SEPARATOR .. ']*' .. SEPARATOR .. '(.*)$'
local function level(value) return string.match(value, '^(%d+) (%d+) %-?%d+ (%d+) (%d+)$') end

-- What is kept beside the levels of a pool is counted anew: whatever changed a level may not have moved it.
local function recount(stock, pool)
  local total, uncounted = 0, {}
  local levels = redis.call('HGETALL', stock)
  for at = 1, #levels, 2 do
    if string.match(levels[at], LEVEL) == pool then
      local _, _, sellable, policy = level(levels[at + 1])
      total = total + tonumber(sellable or 0)
      if policy then uncounted[tonumber(policy)] = (uncounted[tonumber(policy)] or 0) + 1 end
    end
  end
  redis.call('HSET', stock, 't' .. SEPARATOR .. pool, string.format('%.0f', total))
  for _, bit in ipairs(UNCOUNTED) do
    redis.call('HSET', stock, bit .. SEPARATOR .. pool, uncounted[bit] or 0)
  end
end

-- Judges the stock of a product in a pool, keeps the verdict for the next time, and tells what moved.
local function derive(feed, states, thresholds, stock, product, pool, listed, trace)
  local in_pool = SEPARATOR .. pool
  local fields = { 't' .. in_pool, 'j' .. in_pool, 'h' }
  for i, bit in ipairs(UNCOUNTED) do fields[3 + i] = bit .. in_pool end
  local known = redis.call('HMGET', stock, unpack(fields))
  local state
  if known[1] then
    local before = tonumber(known[2] or 0)
    local units, supply = judge(thresholds_of(thresholds, known[3] or ''), tonumber(known[1]), before)
    if supply ~= before then redis.call('HSET', stock, fields[2], supply) end
    local uncounted = 0
    for i, bit in ipairs(UNCOUNTED) do
      if tonumber(known[3 + i] or 0) > 0 then uncounted = uncounted + bit end
    end
    state = string.format('%.0f', math.min(units, 255))
    -- What is out says so by its units.
    if supply % 3 > 0 or uncounted > 0 then state = state .. ' ' .. supply % 3 .. ' ' .. uncounted end
  end
  if not listed then state = 'x' end
  settle(feed, states, product, pool, state, trace)
end

-- Derives the states of a product in all its pools. One without any stock stands in the normal pool, so that taking it
-- off sale is seen.
local function derive_all(feed, states, thresholds, stock, product, trace)
  local listing = redis.call('HGET', stock, 'l')
  local listed = not listing or string.sub(listing, -1) ~= '0'
  local pools, normal = {}, false
  for _, field in ipairs(redis.call('HKEYS', stock)) do
    local pool = string.match(field, '^t' .. SEPARATOR .. '(.*)$')
    if pool then
      table.insert(pools, pool)
      normal = normal or pool == 'normal'
    end
  end
  if not normal then table.insert(pools, 'normal') end
  table.sort(pools)
  for _, pool in ipairs(pools) do
    derive(feed, states, thresholds, stock, product, pool, listed, trace)
  end
end
