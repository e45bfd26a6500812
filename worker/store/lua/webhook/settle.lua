#!lua flags=allow-oom
-- settle(webhooks; id, token, delivery, outcome, attempt, kept, pause ms, again in ms, record,
--   rest ms) -> 1, or 0 when the lease was taken over, or the webhook is deleted
-- The pause is doubled with each failure in a row, up to 60 times as long; the rest is its least.
-- outcome is 'delivered', 'failed' (the record is tried again) or 'lost' (it is not).
local id, state, queue = ARGV[1], key_of(ARGV[1], 'state'), key_of(ARGV[1], 'queue')
if redis.call('HEXISTS', webhooks, id) == 0 then return 0 end
if redis.call('HGET', state, 'lease') ~= ARGV[2] then return 0 end
local now, outcome = now_ms(), ARGV[4]
redis.call('HDEL', state, 'lease', 'lease_ends')
redis.call('XADD', key_of(id, 'attempts'), 'MAXLEN', ARGV[6], '*', 'attempt', ARGV[5])
if outcome == 'failed' then
  redis.call('HSET', key_of(id, 'deliveries'), ARGV[3], ARGV[9])
  redis.call('ZADD', queue, now + tonumber(ARGV[8]), ARGV[3])
else
  redis.call('ZREM', queue, ARGV[3])
  redis.call('HDEL', key_of(id, 'deliveries'), ARGV[3])
end
if outcome == 'delivered' then
  redis.call('HSET', state, 'delivered', now)
  redis.call('HDEL', state, 'failures', 'failing_since', 'paused_until')
else
  local failures = redis.call('HINCRBY', state, 'failures', 1)
  redis.call('HSETNX', state, 'failing_since', now)
  local pause = math.min(2 ^ (failures - 1), 60) * tonumber(ARGV[7])
  redis.call('HSET', state, 'paused_until', now + math.max(pause, tonumber(ARGV[10])))
  if outcome == 'lost' then redis.call('HINCRBY', state, 'lost', 1) end
end
return 1
