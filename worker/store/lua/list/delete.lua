#!lua flags=allow-oom
-- delete(record) -> the id of the import that was building, or ''
-- Hides the list at once: no reader, edit, claim or build gets through afterwards.
-- Every revision is left for reclaim.
local building = is_resharding() and '' or redis.call('HGET', record, 'building') or ''
local live = redis.call('HGET', record, 'live')
abandon_target()
local replaced, pins = fields_like('retired:*'), fields_like('pin:*')
for i = 1, #replaced, 2 do
  local retired = string.match(replaced[i], '^retired:(.+)$')
  redis.call('HSET', record, 'reclaim:' .. retired, string.match(replaced[i + 1], '^(%S+ %d+ %d+)'))
  redis.call('HDEL', record, replaced[i])
end
for i = 1, #pins, 2 do
  local holder = string.match(pins[i], '^pin:(.+)$')
  redis.call('HDEL', record, pins[i], 'snapshot:' .. holder, 'follow:' .. holder)
end
drop_unread_changes()
drop_unread_feed()
if live then
  local name = parse(live)
  redis.call('HSET', record, 'reclaim:' .. name, live)
end
redis.call('HDEL', record, 'live')
redis.call('HDEL', record, 'prune')
redis.call('UNLINK', SCHEDULES, DETAILS)
redis.call('HSET', record, 'deleted', 1, 'included', 0, 'excluded', 0)
return building
