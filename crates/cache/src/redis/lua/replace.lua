-- KEYS: feed, a hash of records by id.
-- ARGV: store epoch, kind of the announcement, then per record: id, version, bytes.
-- Returns 1 per record that was newer than what stood there, else 0.
local epoch, kind = ARGV[1], ARGV[2]
local answers = {}
for at = 3, #ARGV, 3 do
  local id, version, bytes = unpack(ARGV, at, at + 2)
  local known = redis.call('HGET', KEYS[2], id)
  local fresh = true
  if known then
    local old_epoch, old_version = string.match(known, '^(%d+) (%d+) ')
    fresh = newer(epoch, version, old_epoch, old_version)
  end
  if fresh then
    redis.call('HSET', KEYS[2], id, epoch .. ' ' .. version .. ' ' .. bytes)
    announce(KEYS[1], 'k', kind, 'i', id)
  end
  table.insert(answers, fresh and 1 or 0)
end
return answers
