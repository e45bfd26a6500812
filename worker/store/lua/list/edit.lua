#!lua
-- edit(record, edits; first, {op, hash32, member}…) -> {'ok', live, included, excluded}
--                                                    | {'deleted'} | {'unknown'} | {'clash'}
-- first is '1' on the first call of one request: only then the membership version moves.
-- At most 1,000 ops. One step: the journal's order is the live order and the counts
-- follow the replies. Nothing is applied when a shard is missing. The ops 'i?' and 'e?' change
-- nothing: if such a member is in that list, nothing is applied. A member that is added or
-- removed loses its schedule. Cost: 2 commands per op, 4 in a list with schedules.
local function is_check(op)
  return string.sub(op, 2, 2) == '?'
end

local live, without = live_revision()
if not live then return without end
local name, bits = parse(live)
for i = 2, #ARGV, 3 do
  local side = side_of(ARGV[i])
  local shard = shard_key(name, side, shard_of(ARGV[i + 1], bits[side]))
  if redis.call('SISMEMBER', shard, SENTINEL) == 0 then return {'unknown'} end
  if is_check(ARGV[i]) and redis.call('SISMEMBER', shard, ARGV[i + 2]) == 1 then
    return {'clash'}
  end
end
local entry = {}
for i = 2, #ARGV, 3 do
  if not is_check(ARGV[i]) then
    entry[#entry + 1] = ARGV[i] .. ARGV[i + 1]
    entry[#entry + 1] = ARGV[i + 2]
  end
end
write_journal(entry)
local change = {included = 0, excluded = 0}
local any_scheduled = redis.call('EXISTS', SCHEDULES) == 1
for i = 2, #ARGV, 3 do
  if not is_check(ARGV[i]) then
    local side = side_of(ARGV[i])
    local changed = apply(name, bits, ARGV[i], ARGV[i + 1], ARGV[i + 2])
    change[side] = change[side] + changed
    if any_scheduled and changed ~= 0 then
      drop_schedule(schedule_name(ARGV[i], ARGV[i + 1], ARGV[i + 2]))
    end
  end
end
local edited = format_revision(name, bits)
if edited ~= live then redis.call('HSET', record, 'live', edited) end
if ARGV[1] == '1' then redis.call('HINCRBY', record, 'version', 1) end
redis.call('HSET', record, 'modified', now_ms())
return {'ok', edited,
  redis.call('HINCRBY', record, 'included', change.included),
  redis.call('HINCRBY', record, 'excluded', change.excluded)}
