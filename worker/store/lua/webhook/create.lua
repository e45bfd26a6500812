#!lua
-- create(webhooks, state; id, record, most) -> 'ok' | 'full' | 'gone'
-- KEYS[2] hash: the environment's state; 'gone' when it is being deleted, so that no webhook
-- outlives its environment.
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return 'gone' end
if redis.call('HLEN', webhooks) >= tonumber(ARGV[3]) then return 'full' end
redis.call('HSET', webhooks, ARGV[1], ARGV[2])
return 'ok'
