#!lua flags=allow-oom
-- job_take(job; token, lease_ms, most tries)
--   -> {'unit', stage, n, units, try} | {'exhausted', stage, n, tries} | {'drained', stage, units}
--    | {'busy'} | {'ended'} | {'gone'}
-- KEYS[1] hash: the job's record. Takes the first unit of the current stage that is
-- neither done nor leased; a try is counted here. 'drained' when all are done and nobody
-- has opened the next stage. Cost: grows with the units of the stage.
local found = redis.call('HMGET', KEYS[1], 'stage', 'units', 'ended')
if not found[1] then return {'gone'} end
if found[3] then return {'ended'} end
local stage, units = found[1], tonumber(found[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local drained = units > 0
for n = 0, units - 1 do
  local unit = stage .. ':' .. n
  if redis.call('HEXISTS', KEYS[1], 'done:' .. unit) == 0 then
    drained = false
    local lease = redis.call('HGET', KEYS[1], 'lease:' .. unit)
    local ends, tries = 0, 0
    if lease then
      ends, tries = string.match(lease, '^%S+ (%d+) (%d+)$')
      ends, tries = tonumber(ends), tonumber(tries)
    end
    if ends <= now then
      if tries >= tonumber(ARGV[3]) then return {'exhausted', stage, n, tries} end
      redis.call('HSET', KEYS[1], 'lease:' .. unit,
        ARGV[1] .. ' ' .. (now + tonumber(ARGV[2])) .. ' ' .. (tries + 1), 'touched', now)
      if not redis.call('HGET', KEYS[1], 'started') then
        redis.call('HSET', KEYS[1], 'started', now)
      end
      return {'unit', stage, n, units, tries + 1}
    end
  end
end
if drained then return {'drained', stage, units} end
return {'busy'}
