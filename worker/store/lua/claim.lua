#!lua
-- claim(record, edits; import id, token) -> {'ok', target name, base, included, excluded}
--     | {'busy', import id} | {'deleted'} | {'unknown'} | {'prune'}
-- Takes the next revision number for an import. Running it twice for one id changes
-- nothing. A re-shard gives way to an import, and never takes its place. 'prune': walk over the
-- schedules first, or a member that this import brings back would have its old one.
local id = ARGV[1]
local live = redis.call('HGET', record, 'live')
if not live then
  if redis.call('HGET', record, 'deleted') then return {'deleted'} end
  return {'unknown'}
end
if published(id) then return {'busy', id} end
if redis.call('HEXISTS', record, 'prune') == 1 then return {'prune'} end
local building = redis.call('HGET', record, 'building')
if building and building ~= id then
  if string.sub(building, 1, 8) ~= 'reshard-' or string.sub(id, 1, 8) == 'reshard-' then
    return {'busy', building}
  end
  abandon_target()
  building = false
end
if not building then
  local number = redis.call('HINCRBY', record, 'revision', 1)
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', record, 'building', id, 'base', live, 'stage', 'gather',
    'replayed', '0-0', 'target', 'r' .. number .. '-' .. ARGV[2] .. ' 0 0',
    'replay_included', 0, 'replay_excluded', 0)
end
local name = parse(redis.call('HGET', record, 'target'))
return {'ok', name, redis.call('HGET', record, 'base'),
  tonumber(redis.call('HGET', record, 'included')), tonumber(redis.call('HGET', record, 'excluded'))}
