#!lua
-- claim(record, edits; import id, token, approval, supersedes, kind of job)
--   -> {'ok', target name, base, included, excluded, id of the import that gave way or '',
--       last import or '', membership version}
--    | {'busy', import id} | {'superseded', by import id} | {'cancelled', by} | {'deleted'}
--    | {'unknown'} | {'prune'}
-- Takes the next revision number for an import; with the approval 'awaited' it is published only
-- after 'approve', with 'never' not at all. Running it twice for one id changes nothing. A
-- re-shard gives way to an import, and never takes its place; an import that is not approved yet
-- gives way to one with supersedes '1'. What gave way gets no second claim, what was cancelled
-- none. 'prune': walk over the schedules first, or a member that this import brings back would
-- get its old schedule.
local id = ARGV[1]
local live, without = live_revision()
if not live then return without end
if published(id) then return {'busy', id} end
local newer = redis.call('HGET', record, 'superseded:' .. id)
if newer then return {'superseded', string.match(newer, '^%d+ (.+)$')} end
local cancelled = redis.call('HGET', record, 'cancelled:' .. id)
if cancelled then return {'cancelled', string.match(cancelled, '^%d+ (.+)$')} end
if redis.call('HEXISTS', record, 'prune') == 1 then return {'prune'} end
local building, superseded = redis.call('HGET', record, 'building'), ''
if building and building ~= id then
  local gives_way = is_resharding() or (ARGV[4] == '1' and awaits_approval())
  if not gives_way or ARGV[5] == 'reshard' then return {'busy', building} end
  if is_resharding() then superseded = '' else superseded = building end
  supersede(building, id)
  building = false
end
if not building then
  local number = redis.call('HINCRBY', record, 'revision', 1)
  redis.call('UNLINK', KEYS[2])
  redis.call('HSET', record, 'building', id, 'builder', ARGV[5], 'base', live, 'stage', 'gather',
    'replayed', '0-0', 'target', 'r' .. number .. '-' .. ARGV[2] .. ' 0 0',
    'replay_included', 0, 'replay_excluded', 0)
  if ARGV[3] ~= '' then redis.call('HSET', record, 'approval', ARGV[3]) end
end
local name = parse(redis.call('HGET', record, 'target'))
return {'ok', name, redis.call('HGET', record, 'base'),
  tonumber(redis.call('HGET', record, 'included')), tonumber(redis.call('HGET', record, 'excluded')),
  superseded, redis.call('HGET', record, 'last_import') or '',
  tonumber(redis.call('HGET', record, 'version'))}
