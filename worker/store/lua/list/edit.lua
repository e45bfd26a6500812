#!lua
-- edit(record, edits; first, {op, hash32, member}…) -> {'ok', live, included, excluded}
--                                                    | {'deleted'} | {'unknown'} | {'clash'}
-- first is '1' on the first call of one request: only then the membership version moves.
-- At most 1,000 ops. One step: the journal's order is the live order and the counts
-- follow the replies. Nothing is applied when a shard is missing. The ops 'i?' and 'e?' change
-- nothing: if such a member is in that list, nothing is applied. A member that is added or
-- removed loses its schedule. Cost: 1 command per op, and 1 per shard that they are about.
local live, without = live_revision()
if not live then return without end
local name, bits = parse(live)
local journalled = redis.call('HEXISTS', record, 'building') == 1
local shards, whole, entry = {}, {}, {}
for i = 2, #ARGV, 3 do
  local op, member = ARGV[i], ARGV[i + 2]
  local side = side_of(op)
  local shard = shard_key(name, side, shard_of(ARGV[i + 1], bits[side]))
  if not whole[shard] then
    if redis.call('SISMEMBER', shard, SENTINEL) == 0 then return {'unknown'} end
    whole[shard] = true
  end
  if string.sub(op, 2) == '?' then
    if redis.call('SISMEMBER', shard, member) == 1 then return {'clash'} end
  else
    -- An empty list is spread over other shards by its first member.
    if bits[side] > 0 then shards[i] = shard end
    if journalled then
      entry[#entry + 1] = op .. ARGV[i + 1]
      entry[#entry + 1] = member
    end
  end
end
write_journal(entry)
local change = {included = 0, excluded = 0}
local any_scheduled, changed_names = redis.call('EXISTS', SCHEDULES) == 1, {}
local effective = {}
for i = 2, #ARGV, 3 do
  local op = ARGV[i]
  if string.sub(op, 2) ~= '?' then
    local side = side_of(op)
    local changed = apply(name, bits, op, ARGV[i + 1], ARGV[i + 2], shards[i])
    change[side] = change[side] + changed
    if changed ~= 0 then
      effective[#effective + 1] = op .. ARGV[i + 1]
      effective[#effective + 1] = ARGV[i + 2]
    end
    if any_scheduled and changed ~= 0 then
      changed_names[#changed_names + 1] = schedule_name(op, ARGV[i + 1], ARGV[i + 2])
    end
  end
end
keep_changes(name, effective)
feed_ops(effective)
drop_schedules(changed_names)
local edited = format_revision(name, bits)
if edited ~= live then
  redis.call('HSET', record, 'live', edited)
  -- It has other shards than its followers know.
  feed_flip(edited)
end
if ARGV[1] == '1' then redis.call('HINCRBY', record, 'version', 1) end
redis.call('HSET', record, 'modified', now_ms())
return {'ok', edited,
  redis.call('HINCRBY', record, 'included', change.included),
  redis.call('HINCRBY', record, 'excluded', change.excluded)}
