-- Put in front of every script in this folder when it is loaded.
--
-- KEYS[1]  hash  the job's record, unless the script says otherwise
-- A lease is written 'token end tries', its end in Unix ms.
local job = KEYS[1]

-- Token, end and tries of a unit's lease; nothing when no one has taken the unit.
local function read_lease(unit)
  local lease = redis.call('HGET', job, 'lease:' .. unit)
  if not lease then return nil, 0, 0 end
  local token, ends, tries = string.match(lease, '^(%S+) (%d+) (%d+)$')
  return token, tonumber(ends), tonumber(tries)
end

local function write_lease(unit, token, now, lease_ms, tries)
  redis.call('HSET', job, 'lease:' .. unit,
    token .. ' ' .. (now + tonumber(lease_ms)) .. ' ' .. tries, 'touched', now)
end

-- Raises a figure that callers watch: a try that starts again is below what they have seen.
local function raise_to(field, value)
  if tonumber(value) >= tonumber(redis.call('HGET', job, field) or 0) then
    redis.call('HSET', job, field, value)
  end
end

-- Whether a job is in a stage and has not ended.
local function is_in(stage)
  local found = redis.call('HMGET', job, 'stage', 'ended')
  return found[1] == stage and not found[2]
end
