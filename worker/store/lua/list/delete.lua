#!lua flags=allow-oom
-- delete(record) -> the id of the import that was building, or ''
-- Hides the list at once: no reader, edit, claim or build gets through afterwards.
-- Every revision is left for reclaim.
local building = redis.call('HGET', record, 'building') or ''
local live = redis.call('HGET', record, 'live')
abandon_target()
local fields = redis.call('HGETALL', record)
for i = 1, #fields, 2 do
  local retired = string.match(fields[i], '^retired:(.+)$')
  if retired then
    redis.call('HSET', record, 'reclaim:' .. retired, string.match(fields[i + 1], '^(%S+ %d+ %d+)'))
    redis.call('HDEL', record, fields[i])
  elseif string.sub(fields[i], 1, 4) == 'pin:' then
    redis.call('HDEL', record, fields[i])
  end
end
if live then
  local name = parse(live)
  redis.call('HSET', record, 'reclaim:' .. name, live)
end
redis.call('HDEL', record, 'live')
redis.call('HDEL', record, 'prune')
redis.call('UNLINK', SCHEDULES, DETAILS)
redis.call('HSET', record, 'deleted', 1, 'included', 0, 'excluded', 0)
return building
