#!lua
-- snapshot(record; holder, ttl_ms) -> {'ok', revision, since, moment ms, included, excluded}
--                                   | {'deleted'} | {'unknown'}
-- Pins the live revision as 'pin' does, and from then on keeps what changes the list, so that it
-- can be read as it is now. Again for one holder, it renews what that has. Cost: a few commands.
local live, without = live_revision()
if not live then return without end
local pin, field = 'pin:' .. ARGV[1], 'snapshot:' .. ARGV[1]
local now = now_ms()
local until_ms = now + tonumber(ARGV[2])
local pinned, taken = redis.call('HGET', record, pin), redis.call('HGET', record, field)
local revision = live
if pinned and taken then
  revision = string.match(pinned, '^(%S+ %d+ %d+)')
else
  if redis.call('EXISTS', CHANGES) == 0 then redis.call('HSET', record, 'changes', 0) end
  local since = redis.call('XADD', CHANGES, '*', 'taken', ARGV[1])
  taken = table.concat({since, now, redis.call('HGET', record, 'included'),
    redis.call('HGET', record, 'excluded')}, ' ')
  redis.call('HSET', record, field, taken)
end
redis.call('HSET', record, pin, revision .. ' ' .. until_ms)
if redis.call('PTTL', CHANGES) < tonumber(ARGV[2]) then
  redis.call('EXPIRE', CHANGES, math.max(1, math.ceil(tonumber(ARGV[2]) / 1000)))
end
local since, moment, included, excluded = string.match(taken, '^(%S+) (%d+) (%d+) (%d+)$')
return {'ok', revision, since, tonumber(moment), tonumber(included), tonumber(excluded)}
