#!lua flags=allow-oom
-- open(canary; name, writer, make) -> writes, or -1 when there is no canary of this name
-- Makes one worker the only one whose writes are taken. With make '1' the canary is put there
-- first, in place of any other.
if ARGV[3] == '1' then
  redis.call('UNLINK', KEYS[1])
  redis.call('HSET', KEYS[1], 'name', ARGV[1], 'writes', 0)
end
if redis.call('HGET', KEYS[1], 'name') ~= ARGV[1] then return -1 end
redis.call('HSET', KEYS[1], 'writer', ARGV[2])
return tonumber(redis.call('HGET', KEYS[1], 'writes'))
