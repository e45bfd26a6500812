#!lua flags=allow-oom
-- put_record(places; key, expected, record, keep last) -> 1, or 0 when nothing was written
-- KEYS[1] hash of projects, environments or uploads. Replaces a record that is still as
-- expected; '' is none, before and after. With keep last '1' the last record is not removed: a
-- store without any project is one that has lost its data.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1
end
if ARGV[4] == '1' and redis.call('HLEN', KEYS[1]) == 1 then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
