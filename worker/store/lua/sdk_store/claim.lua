#!lua flags=allow-oom
-- claim(sdk_store; token, lease ms) -> {settings, writes, whether the lease is new}
--   | {} when another worker has it
-- Takes or renews the lease under which one worker keeps the sets of an environment.
local now = now_ms()
local writer = redis.call('HMGET', KEYS[1], 'writer', 'writer_until')
if writer[1] and writer[1] ~= ARGV[1] and tonumber(writer[2]) > now then return {} end
local fresh = writer[1] ~= ARGV[1] and 1 or 0
redis.call('HSET', KEYS[1], 'writer', ARGV[1], 'writer_until', now + tonumber(ARGV[2]))
return {redis.call('HGET', KEYS[1], 'settings') or '', redis.call('HGET', KEYS[1], 'writes') or '0',
  fresh}
