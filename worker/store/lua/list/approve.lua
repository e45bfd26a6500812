#!lua flags=allow-oom
-- approve(record; import id) -> 'ok' | 'unasked' | 'unbuilt' | 'done' | 'lost'
-- Lets an import that waits for its approval be published; approving it again changes nothing.
-- 'unasked': it needs no approval, or is a dry run. 'unbuilt': it is not built and counted yet.
local id = ARGV[1]
if not holds(id) then
  if published(id) then return 'done' end
  return 'lost'
end
local approval = redis.call('HGET', record, 'approval')
if not approval or approval == 'never' then return 'unasked' end
if approval == 'awaited' then
  if not redis.call('HGET', record, 'counted') then return 'unbuilt' end
  redis.call('HSET', record, 'approval', 'given')
end
return 'ok'
