#!lua flags=allow-oom
-- count(counters, counted; number, kept_s, field, added, …) -> 1, or 0 when it was added before
-- KEYS[1] hash: field to total, KEYS[2] string: number of the process's last batch. A process
-- that got no answer sends the same batch again. Also counted when the server is out of memory,
-- because that is when somebody looks; the fields are a bounded set.
if tonumber(redis.call('GET', KEYS[2]) or 0) >= tonumber(ARGV[1]) then return 0 end
for n = 3, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[n], ARGV[n + 1]) end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
return 1
