-- KEYS: changes. Deletes what stands before the oldest entry that some group has not acknowledged.
-- Never by length: that deletes entries nobody has read, and no counter shows it.
local function below(a, b)
  local a_time, a_number = string.match(a, '^(%d+)%-(%d+)$')
  local b_time, b_number = string.match(b, '^(%d+)%-(%d+)$')
  return newer(b_time, b_number, a_time, a_number)
end
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local bound
for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #fields, 2 do group[fields[i]] = fields[i + 1] end
  local pending = redis.call('XPENDING', KEYS[1], group['name'])
  local oldest = pending[2]
  if not oldest then
    local time, number = string.match(group['last-delivered-id'], '^(%d+)%-(%d+)$')
    oldest = time .. '-' .. string.format('%.0f', tonumber(number) + 1)
  end
  if not bound or below(oldest, bound) then bound = oldest end
end
if not bound then return 0 end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', bound)
