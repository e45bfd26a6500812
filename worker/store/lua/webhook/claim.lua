#!lua flags=allow-oom
-- claim(webhooks; token, lease ms, sound) -> {webhook, its record, delivery, its record, failures},
--   or nothing
-- The first delivery that is due, of the webhook that was claimed longest ago among those that
-- nobody delivers to, that are not paused, and that do not rest after a failure; with sound '1'
-- only of those whose last attempt has not failed. What is due since 0 waits for no rest.
-- It stays in the queue, behind what else is due: if the claimer dies, or cannot read it, it is
-- claimed again when the lease has run out, and keeps nothing else waiting.
-- Cost: one step for each webhook of the environment, of which there are few.
local now = now_ms()

local chosen
for _, id in ipairs(redis.call('HKEYS', webhooks)) do
  local state = redis.call('HMGET', key_of(id, 'state'),
    'lease_ends', 'paused_until', 'claimed', 'failures')
  local failures, claimed = tonumber(state[4] or 0), tonumber(state[3] or 0)
  if tonumber(state[1] or 0) <= now and (ARGV[3] ~= '1' or failures == 0) then
    local due = redis.call('ZRANGEBYSCORE', key_of(id, 'queue'), '-inf', now,
      'WITHSCORES', 'LIMIT', 0, 1)
    local rested = tonumber(state[2] or 0) <= now or due[2] == '0'
    if due[1] and rested and (not chosen or claimed < chosen.claimed)
      and not fields_of(redis.call('HGET', webhooks, id)).paused then
      chosen = {id = id, delivery = due[1], claimed = claimed, failures = failures}
    end
  end
end
if not chosen then return false end
local lease_ends = now + tonumber(ARGV[2])
redis.call('HSET', key_of(chosen.id, 'state'),
  'lease', ARGV[1], 'lease_ends', lease_ends, 'claimed', now)
redis.call('ZADD', key_of(chosen.id, 'queue'), lease_ends, chosen.delivery)
return {chosen.id, redis.call('HGET', webhooks, chosen.id), chosen.delivery,
  redis.call('HGET', key_of(chosen.id, 'deliveries'), chosen.delivery) or '', chosen.failures}
