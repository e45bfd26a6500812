#!lua flags=allow-oom
-- expire(record, edits; skip, most) -> {'ok', due, kept, removed, next due ms or -1}
--                              | {'deleted'} | {'unknown'}
-- Removes members that are due by the server's clock, as an edit would: journalled while
-- an import builds, counted, one membership version. Those of a missing shard are kept; skip is
-- how many of the first to pass over. Cost: 2 commands each.
local live, without = live_revision()
if not live then return without end
local revision, bits = parse(live)
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', SCHEDULES, '-inf', now, 'LIMIT', ARGV[1], ARGV[2])
local change, entry, gone, kept = {included = 0, excluded = 0}, {}, {}, 0
for _, name in ipairs(due) do
  local side, hash32, member, shard = scheduled(name, revision, bits)
  if redis.call('SISMEMBER', shard, SENTINEL) == 0 then
    kept = kept + 1
  else
    if redis.call('SREM', shard, member) == 1 then
      change[side] = change[side] - 1
      entry[#entry + 1] = string.sub(name, 1, 1) .. '-' .. hash32
      entry[#entry + 1] = member
    end
    gone[#gone + 1] = name
  end
end
drop_schedules(gone)
if #entry > 0 then
  write_journal(entry)
  keep_changes(revision, entry)
  feed_ops(entry)
  redis.call('HINCRBY', record, 'included', change.included)
  redis.call('HINCRBY', record, 'excluded', change.excluded)
  redis.call('HINCRBY', record, 'version', 1)
  redis.call('HSET', record, 'modified', now)
end
local following = redis.call('ZRANGEBYSCORE', SCHEDULES, '(' .. now, '+inf', 'WITHSCORES',
  'LIMIT', 0, 1)
return {'ok', #due, kept, #entry / 2, tonumber(following[2] or '-1')}
