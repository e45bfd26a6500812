#!lua flags=allow-oom
-- walk_schedules(record; cursor, walk) -> {'ok', next cursor, walk, {name, detail}…}
--                                       | {'deleted'} | {'unknown'}
-- Begins with cursor '0' and walk ''; its answer is passed to the next call, until the cursor
-- is '0' again. Returns the schedules of members and drops those that are void; some come
-- twice. A walk that began after a flip ends the pruning that the flip asked for. About
-- 125 a call. Cost: 1 command each.
local live, without = live_revision()
if not live then return without end
local revision, bits = parse(live)
local walk = ARGV[2]
if ARGV[1] == '0' then walk = redis.call('HGET', record, 'prune') or '' end
local scanned = redis.call('HSCAN', DETAILS, ARGV[1], 'COUNT', 125)
local reply, void, found = {'ok', scanned[1], walk}, {}, scanned[2]
for i = 1, #found, 2 do
  local _, _, member, shard = scheduled(found[i], revision, bits)
  local here = redis.call('SMISMEMBER', shard, SENTINEL, member)
  if here[2] == 1 then
    reply[#reply + 1] = found[i]
    reply[#reply + 1] = found[i + 1]
  elseif here[1] == 1 then
    void[#void + 1] = found[i]
  end
end
drop_schedules(void)
if scanned[1] == '0' and walk ~= '' and redis.call('HGET', record, 'prune') == walk then
  redis.call('HDEL', record, 'prune')
end
return reply
