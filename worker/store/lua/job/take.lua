#!lua flags=allow-oom
-- take(job; token, lease_ms, most tries)
--   -> {'unit', stage, n, units, try} | {'exhausted', stage, n, tries} | {'drained', stage, units}
--    | {'busy'} | {'ended'} | {'gone'}
-- Takes the first unit of the current stage that is neither done nor leased; a try is counted
-- here. 'drained' when all are done and no one has opened the next stage. Cost: grows with the
-- units of the stage.
local found = redis.call('HMGET', job, 'stage', 'units', 'ended')
if not found[1] then return {'gone'} end
if found[3] then return {'ended'} end
local stage, units = found[1], tonumber(found[2])
local now = now_ms()
local drained = units > 0
for n = 0, units - 1 do
  local unit = stage .. ':' .. n
  if redis.call('HEXISTS', job, 'done:' .. unit) == 0 then
    drained = false
    local _, ends, tries = read_lease(unit)
    if ends <= now then
      if tries >= tonumber(ARGV[3]) then return {'exhausted', stage, n, tries} end
      write_lease(unit, ARGV[1], now, ARGV[2], tries + 1)
      redis.call('HSETNX', job, 'started', now)
      return {'unit', stage, n, units, tries + 1}
    end
  end
end
if drained then return {'drained', stage, units} end
return {'busy'}
