-- Common to every script that writes or announces.

-- Numbers travel as decimal strings: Lua's own lose digits above 2^53.
local function above(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- Epoch first: restoring SQL from a backup raises the epoch and starts versions anew.
local function newer(epoch, version, old_epoch, old_version)
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

local function count(total)
  return string.format('%.0f', math.min(total, 255))
end
