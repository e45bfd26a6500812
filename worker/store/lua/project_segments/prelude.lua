-- Put in front of every script about the segments of a project. A record's first line is JSON.

local function head_of(record)
  return cjson.decode(string.match(record, '^[^\n]*'))
end

-- Whether 'changed' is still the mark that the caller has seen; '' is any, 'none' is none.
local function is_seen(mark)
  return mark == '' or (redis.call('HGET', KEYS[1], 'changed') or 'none') == mark
end

-- How many changes are remembered, for those who know the state before them.
local remembered = 256

local function change_field(number)
  return string.format('change:%.0f', number)
end

-- The id of what a change was about, '' for the definitions of flags; nothing if it is forgotten.
local function changed_id(number)
  local change = redis.call('HGET', KEYS[1], change_field(number))
  return change and string.match(change, '^%S+ (.*)$')
end

-- Whether the change of this number is the one of this name.
local function is_change(number, name)
  local change = redis.call('HGET', KEYS[1], change_field(number)) or ''
  return string.match(change, '^%S*') == name
end

-- Marks a change: with its number, its time in Unix ms, which is later than that of the change
-- before whatever the clock says, and a random name. Remembers what it was about.
local function mark(change, id)
  local before = redis.call('HGET', KEYS[1], 'changed') or ''
  local number, ms = string.match(before, '^(%d+) (%d+)')
  number = (number or 0) + 1
  local now = math.max(now_ms(), (ms or 0) + 1)
  redis.call('HSET', KEYS[1], 'changed', string.format('%.0f %.0f %s', number, now, change))
  redis.call('HSET', KEYS[1], change_field(number), change .. ' ' .. id)
  redis.call('HDEL', KEYS[1], change_field(number - remembered))
end

-- Whether the records would be larger than allowed after growing by this many bytes.
local function is_too_large(bytes, most)
  return bytes > 0 and tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0') + bytes > tonumber(most)
end

-- Adds a segment to those that refer to another one, or takes it away from them.
local function set_user(target, id, refers)
  local users = {}
  for _, user in ipairs(cjson.decode(redis.call('HGET', KEYS[1], 'users:' .. target) or '[]')) do
    if user ~= id then users[#users + 1] = user end
  end
  if refers then users[#users + 1] = id end
  if #users == 0 then
    redis.call('HDEL', KEYS[1], 'users:' .. target)
  else
    redis.call('HSET', KEYS[1], 'users:' .. target, cjson.encode(users))
  end
end

-- Notes what a change made of the records: '' is none, before and after.
local function note(change, id, before, after)
  local was, is = {}, {}
  for _, target in ipairs(before ~= '' and head_of(before).references or {}) do was[target] = true end
  for _, target in ipairs(after ~= '' and head_of(after).references or {}) do is[target] = true end
  for target in pairs(was) do if not is[target] then set_user(target, id, false) end end
  for target in pairs(is) do if not was[target] then set_user(target, id, true) end end
  redis.call('HINCRBY', KEYS[1], 'count', (after ~= '' and 1 or 0) - (before ~= '' and 1 or 0))
  redis.call('HINCRBY', KEYS[1], 'bytes', #after - #before)
  mark(change, id)
end
