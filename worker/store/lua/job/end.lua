#!lua flags=allow-oom
-- end(job, files; ttl_s, {field, value}…) -> 1, or 0 when it had ended before
-- KEYS[2]  hash  an import's files; kept as long as its record
-- The job stays listed as active until what it used is freed.
if redis.call('EXISTS', job) == 0 or redis.call('HGET', job, 'ended') then return 0 end
redis.call('HSET', job, 'ended', now_ms())
for i = 2, #ARGV, 2 do redis.call('HSET', job, ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', job, ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
