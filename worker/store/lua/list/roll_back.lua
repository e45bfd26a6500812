#!lua flags=allow-oom
-- roll_back(record; revision name, included, excluded, force)
--   -> {'ok', version} | {'live', version} | {'gone'} | {'damaged', included, excluded}
--    | {'edited', how often} | {'busy', import id} | {'prune'} | {'deleted'} | {'unknown'}
-- Makes a kept revision live again, and keeps the one that was, in one step. included and excluded
-- are the members counted in its shards; 'damaged' gives those it must have. Without force '1' it
-- is refused when the live one was edited since it became live: those edits stay in that one. A
-- re-shard gives way, an import does not. 'prune': walk over the schedules first, as for a claim.
local live, without = live_revision()
if not live then return without end
local version = tonumber(redis.call('HGET', record, 'version'))
if parse(live) == ARGV[1] then return {'live', version} end
local kept = redis.call('HGET', record, 'retired:' .. ARGV[1])
local revision, free_ms, replaced_ms, included, excluded, import, import_ms, edits = string.match(
  kept or '', '^(%S+ %d+ %d+) (%d+) (%d+) %d+ (%d+) (%d+) %d+ (%S+) (%d+) (%d+)$')
if not revision then return {'gone'} end
local building = redis.call('HGET', record, 'building')
if building and not is_resharding() then return {'busy', building} end
if redis.call('HEXISTS', record, 'prune') == 1 then return {'prune'} end
if included ~= ARGV[2] or excluded ~= ARGV[3] then
  return {'damaged', tonumber(included), tonumber(excluded)}
end
local edited = version - became_live()
if edited > 0 and ARGV[4] ~= '1' then return {'edited', edited} end
if building then supersede(building, ARGV[1]) end
local now = now_ms()
-- Its readers get as long as those of the other one had.
keep_live(live, now, now + tonumber(free_ms) - tonumber(replaced_ms))
version = redis.call('HINCRBY', record, 'version', 1)
redis.call('HDEL', record, 'retired:' .. ARGV[1])
redis.call('HSET', record, 'live', revision, 'included', included, 'excluded', excluded,
  'modified', now, 'since', now .. ' ' .. version)
if import == '-' then
  redis.call('HDEL', record, 'last_import')
else
  redis.call('HSET', record, 'last_import',
    import .. ' ' .. import_ms .. ' ' .. (version - tonumber(edits)))
end
feed_flip(revision)
if redis.call('EXISTS', SCHEDULES) == 1 then redis.call('HSET', record, 'prune', ARGV[1]) end
return {'ok', version}
