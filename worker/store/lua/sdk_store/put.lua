#!lua flags=allow-oom
-- put(sdk_store; token, field, value, …) -> 1, or 0 when the lease is another worker's
-- Writes fields, and removes those whose value is empty. Cost: one step a field.
if redis.call('HGET', KEYS[1], 'writer') ~= ARGV[1] then return 0 end
for at = 2, #ARGV, 2 do
  if ARGV[at + 1] == '' then
    redis.call('HDEL', KEYS[1], ARGV[at])
  else
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  end
end
return 1
