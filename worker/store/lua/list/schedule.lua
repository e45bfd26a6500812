#!lua
-- schedule(record; most, {act, op, hash32, member, due ms, version, id}…)
--   -> {'ok', answer…} | {'deleted'} | {'unknown'}
-- act is 'add', 'update' or 'remove'; op 'i' or 'e'. One after the other; each has its answer:
-- 'done', 'absent' (no such member), 'there' (it has one), 'none' (it has none), 'version' (not
-- the one given; '' is any) or 'full' (the list has its most schedules). At most 50 a call.
-- Nothing is done when a shard is missing. Cost: 1 command each, and a few for all.
local live, without = live_revision()
if not live then return without end
local revision, bits = parse(live)

-- By name: whether the member is there, and its schedule before and after the changes.
local names, here, before, after = {}, {}, {}, {}
for i = 2, #ARGV, 7 do
  local name, side = schedule_name(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]), side_of(ARGV[i + 1])
  if here[name] == nil then
    local shard = shard_key(revision, side, shard_of(ARGV[i + 2], bits[side]))
    local found = redis.call('SMISMEMBER', shard, SENTINEL, ARGV[i + 3])
    if found[1] == 0 then return {'unknown'} end
    here[name] = found[2] == 1
    names[#names + 1] = name
  end
end
if #names == 0 then return {'ok'} end
for n, detail in ipairs(redis.call('HMGET', DETAILS, unpack(names))) do
  before[names[n]], after[names[n]] = detail, detail
end
local count = redis.call('ZCARD', SCHEDULES)

local function drop(name)
  if after[name] then count = count - 1 end
  after[name] = false
end

local function set_due(name, due, version, id)
  after[name] = due .. ' ' .. version .. ' ' .. id
  return 'done'
end

local function add(name, there, due, id)
  if there then return 'there' end
  if count >= tonumber(ARGV[1]) then return 'full' end
  count = count + 1
  return set_due(name, due, 1, id)
end

local function update(name, there, due, expected)
  if not there then return 'none' end
  local version, id = string.match(there, '^%S+ (%d+) (%S+)$')
  if expected ~= '' and expected ~= version then return 'version' end
  return set_due(name, due, tonumber(version) + 1, id)
end

local reply = {'ok'}
for i = 2, #ARGV, 7 do
  local act, name = ARGV[i], schedule_name(ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  local there, answer = after[name], nil
  if not here[name] then
    drop(name)
    answer = act == 'add' and 'absent' or 'none'
  elseif act == 'add' then
    answer = add(name, there, ARGV[i + 4], ARGV[i + 6])
  elseif act == 'update' then
    answer = update(name, there, ARGV[i + 4], ARGV[i + 5])
  else
    drop(name)
    answer = there and 'done' or 'none'
  end
  reply[#reply + 1] = answer
end
local dues, details, gone = {}, {}, {}
for _, name in ipairs(names) do
  local detail = after[name]
  if not detail and before[name] then
    gone[#gone + 1] = name
  elseif detail ~= before[name] then
    dues[#dues + 1], dues[#dues + 2] = string.match(detail, '^%S+'), name
    details[#details + 1], details[#details + 2] = name, detail
  end
end
if #dues > 0 then
  redis.call('ZADD', SCHEDULES, unpack(dues))
  redis.call('HSET', DETAILS, unpack(details))
end
drop_schedules(gone)
return reply
