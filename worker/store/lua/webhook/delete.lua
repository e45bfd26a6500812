#!lua flags=allow-oom
-- delete(webhooks; id) -> 1, or 0 when there is none
-- Deliveries of it that are under way are not recorded any more.
for _, part in ipairs({'queue', 'deliveries', 'attempts', 'state'}) do
  redis.call('UNLINK', key_of(ARGV[1], part))
end
return redis.call('HDEL', webhooks, ARGV[1])
