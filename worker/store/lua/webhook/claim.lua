#!lua flags=allow-oom
-- claim(webhooks; token, lease ms) -> {webhook, its record, delivery, its record}, or nothing
-- The first delivery that is due, of a webhook that nobody delivers to and that is not paused.
-- It stays in the queue: if the claimer dies, it is claimed again when the lease has run out.
-- Cost: one step for each webhook of the environment, of which there are few.
local now = now_ms()
for _, id in ipairs(redis.call('HKEYS', webhooks)) do
  local state = redis.call('HMGET', key_of(id, 'state'), 'lease_ends', 'paused_until')
  if tonumber(state[1] or 0) <= now and tonumber(state[2] or 0) <= now then
    local due = redis.call('ZRANGEBYSCORE', key_of(id, 'queue'), '-inf', now, 'LIMIT', 0, 1)
    if due[1] then
      redis.call('HSET', key_of(id, 'state'),
        'lease', ARGV[1], 'lease_ends', now + tonumber(ARGV[2]))
      return {id, redis.call('HGET', webhooks, id), due[1],
        redis.call('HGET', key_of(id, 'deliveries'), due[1])}
    end
  end
end
return false
