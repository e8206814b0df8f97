-- KEYS: changes. ARGV: group, consumer, idle in milliseconds, most entries to take.
-- Returns {id, deliveries, payload} each.
local group, consumer, idle, max = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local taken, from = {}, '0-0'
repeat
  local reply = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, idle, from, 'COUNT', max - #taken)
  from = reply[1]
  for _, entry in ipairs(reply[2]) do
    local pending = redis.call('XPENDING', KEYS[1], group, entry[1], entry[1], 1)
    table.insert(taken, { entry[1], pending[1][4], entry[2][2] })
  end
until from == '0-0' or #taken >= max
return taken
