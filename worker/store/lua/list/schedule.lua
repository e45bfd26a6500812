#!lua
-- schedule(record; most, {act, op, hash32, member, due ms, version, id}…)
--   -> {'ok', answer…} | {'deleted'} | {'unknown'}
-- act is 'add', 'update' or 'remove'; op 'i' or 'e'. One after the other; each has its answer:
-- 'done', 'absent' (no such member), 'there' (it has one), 'none' (it has none), 'version' (not
-- the one given; '' is any) or 'full' (the list has its most schedules). At most 1,000 a call.
-- Nothing is done when a shard is missing. Cost: 5 commands each.
local live, without = live_revision()
if not live then return without end
local revision, bits = parse(live)

local function set_due(name, due, version, id)
  redis.call('ZADD', SCHEDULES, due, name)
  redis.call('HSET', DETAILS, name, due .. ' ' .. version .. ' ' .. id)
  return 'done'
end

local function add(name, there, due, id)
  if there then return 'there' end
  if redis.call('ZCARD', SCHEDULES) >= tonumber(ARGV[1]) then return 'full' end
  return set_due(name, due, 1, id)
end

local function update(name, there, due, expected)
  if not there then return 'none' end
  local version, id = string.match(there, '^%S+ (%d+) (%S+)$')
  if expected ~= '' and expected ~= version then return 'version' end
  return set_due(name, due, tonumber(version) + 1, id)
end

local names = {}
for i = 2, #ARGV, 7 do
  local name = schedule_name(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  local _, _, _, shard = scheduled(name, revision, bits)
  if redis.call('SISMEMBER', shard, SENTINEL) == 0 then return {'unknown'} end
  names[i] = name
end
local reply = {'ok'}
for i = 2, #ARGV, 7 do
  local act, name = ARGV[i], names[i]
  local _, _, member, shard = scheduled(name, revision, bits)
  local answer
  if redis.call('SISMEMBER', shard, member) == 0 then
    drop_schedule(name)
    answer = act == 'add' and 'absent' or 'none'
  else
    local there = redis.call('HGET', DETAILS, name)
    if act == 'add' then
      answer = add(name, there, ARGV[i + 4], ARGV[i + 6])
    elseif act == 'update' then
      answer = update(name, there, ARGV[i + 4], ARGV[i + 5])
    else
      drop_schedule(name)
      answer = there and 'done' or 'none'
    end
  end
  reply[#reply + 1] = answer
end
return reply
