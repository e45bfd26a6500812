#!lua
-- publish(record, edits; import id, included, excluded, retire_after_ms, seal)
--   -> {'more'} | {'lost'} | {'unsealed'} | {'waits'}
--    | {'done', included, excluded, edited included, edited excluded, version}
-- included and excluded are the members counted under that seal; the first call fixes them.
-- Replays journalled edits; the call that finds none left makes the new revision live in the
-- same step. A call replays 100, and twice as many as the call before it, up to 4,000, when
-- no fewer were left after that call than after the one before: else it would never catch up
-- with edits that come as fast. Running it again after that answers 'done' with the same figures, also when later
-- imports were published. 'waits': the import is not approved yet; 'hold' replays its edits.
local id = ARGV[1]
if not holds(id) then return published(id) or {'lost'} end
if awaits_approval() then return {'waits'} end
local most, left = string.match(redis.call('HGET', record, 'catch_up') or '', '^(%d+) (%d+)$')
most, left = tonumber(most or REPLAYED_OPS), tonumber(left)
local build = replay(ARGV[2], ARGV[3], ARGV[5], most)
if not build then return {'unsealed'} end
if not build.ended then
  if left and build.left >= left then most = math.min(2 * most, 4000) end
  redis.call('HSET', record, 'catch_up', most .. ' ' .. build.left)
  save_replay(build)
  return {'more'}
end
local now = now_ms()
local live = redis.call('HGET', record, 'live')
local included, excluded = string.match(build.counted, '^(%d+) (%d+)$')
included, excluded = tonumber(included) + build.included, tonumber(excluded) + build.excluded
local version = tonumber(redis.call('HGET', record, 'version'))
local free_ms = now + tonumber(ARGV[4])
if is_resharding() then
  -- Its members are those of the new one.
  redis.call('HSET', record, 'retired:' .. parse(live), live .. ' ' .. free_ms)
else
  keep_live(live, now, free_ms)
  version = redis.call('HINCRBY', record, 'version', 1)
  redis.call('HSET', record, 'modified', now, 'last_import', id .. ' ' .. now .. ' ' .. version,
    'since', now .. ' ' .. version)
  -- Of members that are not in the new revision; the next claim waits until they are dropped.
  if redis.call('EXISTS', SCHEDULES) == 1 then redis.call('HSET', record, 'prune', id) end
end
redis.call('HSET', record, 'live', build.target, 'included', included, 'excluded', excluded,
  'published:' .. id, now .. ' ' .. included .. ' ' .. excluded .. ' ' .. build.included
    .. ' ' .. build.excluded .. ' ' .. version)
end_build()
feed_flip(build.target)
return published(id)
