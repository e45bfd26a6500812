#!lua flags=allow-oom
-- replace(webhooks; id, expected, record, rested) -> 1, or 0 when nothing was written
-- Replaces a record that is still as expected. With rested '1' the webhook counts as one that has
-- not failed, and is tried at once.
-- Cost: one step; when rested one for each delivery that waits, of which 1,000 at most.
if redis.call('HGET', webhooks, ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', webhooks, ARGV[1], ARGV[3])
if ARGV[4] == '1' then
  redis.call('HDEL', key_of(ARGV[1], 'state'), 'failures', 'failing_since', 'paused_until')
  local now, queue = now_ms(), key_of(ARGV[1], 'queue')
  for _, delivery in ipairs(redis.call('ZRANGEBYSCORE', queue, now, '+inf')) do
    redis.call('ZADD', queue, now, delivery)
  end
end
return 1
