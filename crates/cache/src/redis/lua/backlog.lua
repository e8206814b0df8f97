-- KEYS: changes. ARGV: group. Returns how many entries the group has not acknowledged.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for _, fields in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #fields, 2 do group[fields[i]] = fields[i + 1] end
  -- The lag is unknown after entries were deleted by hand; the length is then as near as one gets.
  if group['name'] == ARGV[1] then
    return group['lag'] and group['lag'] + group['pending'] or redis.call('XLEN', KEYS[1])
  end
end
return redis.call('XLEN', KEYS[1])
