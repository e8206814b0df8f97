-- step_down
-- KEYS: per record the hash that holds it.
-- ARGV: store epoch, then per record: its field, the version that gives way, the version before that.
-- Returns 1 per record that stood under exactly that version, else 0.
local epoch = ARGV[1]
local answers = {}
for i = 1, #KEYS do
  local field, version, before = unpack(ARGV, 3 * i - 1, 3 * i + 1)
  local known = redis.call('HGET', KEYS[i], field) or ''
  local standing = epoch .. ' ' .. version .. ' '
  local stands = string.sub(known, 1, #standing) == standing
  if stands then
    redis.call('HSET', KEYS[i], field, epoch .. ' ' .. before .. ' ' .. string.sub(known, #standing + 1))
    local pool = string.match(field, LEVEL)
    if pool then recount(KEYS[i], pool) end
  end
  answers[i] = stands and 1 or 0
end
return answers
