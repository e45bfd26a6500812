#!lua flags=allow-oom
-- announce(webhooks, job; once, kind, only, delivery, record, most)
--   -> {webhooks that will get it, webhooks whose queues are full}
-- KEYS[2] hash: the job that the event is about. With once it is announced once for this field of
-- the job, and not if that is gone; '' announces it whatever was before. With only it goes to that
-- webhook, before all that waits, else to all that ask for its kind and are not paused. A queue at
-- its most takes nothing more, and counts.
-- Cost: one step for each webhook of the environment, of which there are few.
local now = now_ms()
if ARGV[1] ~= '' then
  if redis.call('EXISTS', KEYS[2]) == 0 then return {0, 0} end
  if redis.call('HSETNX', KEYS[2], ARGV[1], now) == 0 then return {0, 0} end
end

local function asks_for(record)
  local webhook = fields_of(record)
  local events = webhook.events
  if webhook.paused or type(events) ~= 'table' then return false end
  for _, kind in ipairs(events) do
    if kind == ARGV[2] then return true end
  end
  return #events == 0
end

local takers, full = 0, 0
local found = redis.call('HGETALL', webhooks)
for i = 1, #found, 2 do
  local id, deliveries = found[i], key_of(found[i], 'deliveries')
  if id == ARGV[3] or (ARGV[3] == '' and asks_for(found[i + 1])) then
    if redis.call('HEXISTS', deliveries, ARGV[4]) == 1 then
      takers = takers + 1
    elseif redis.call('HLEN', deliveries) >= tonumber(ARGV[6]) then
      redis.call('HINCRBY', key_of(id, 'state'), 'dropped', 1)
      full = full + 1
    else
      redis.call('HSET', deliveries, ARGV[4], ARGV[5])
      redis.call('ZADD', key_of(id, 'queue'), ARGV[3] == '' and now or 0, ARGV[4])
      takers = takers + 1
    end
  end
end
return {takers, full}
