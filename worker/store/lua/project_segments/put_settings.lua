#!lua
-- put_settings(segments; expected, settings) -> 'ok' | 'closed' | 'changed'
-- KEYS[1] hash of a project's segments. Replaces settings that are still as expected; '' is none.
-- They say nothing about segments, so 'changed' stays.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 'closed' end
if (redis.call('HGET', KEYS[1], 'settings') or '') ~= ARGV[1] then return 'changed' end
redis.call('HSET', KEYS[1], 'settings', ARGV[2])
return 'ok'
