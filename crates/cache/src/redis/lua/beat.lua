-- KEYS: feed, the last beat. ARGV: store epoch, counter.
local epoch, counter = unpack(ARGV)
local known = redis.call('GET', KEYS[2])
if known then
  local old_epoch, old_counter = string.match(known, '^(%d+) (%d+)$')
  if not newer(epoch, counter, old_epoch, old_counter) then return 0 end
end
redis.call('SET', KEYS[2], epoch .. ' ' .. counter)
announce(KEYS[1], 'k', 'h', 'n', counter)
return 1
