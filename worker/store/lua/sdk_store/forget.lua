#!lua flags=allow-oom
-- forget(sdk_store; token, settings) -> 1, or 0 when the switch or the lease has changed since
-- Removes the record of an environment that is switched off and whose sets are removed.
local found = redis.call('HMGET', KEYS[1], 'writer', 'settings')
if found[1] ~= ARGV[1] or (found[2] or '') ~= ARGV[2] then return 0 end
redis.call('UNLINK', KEYS[1])
return 1
