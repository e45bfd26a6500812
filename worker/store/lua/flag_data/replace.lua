-- replace(places; expected, record, pieces) -> ok, changed or closed
-- KEYS[1] record, [2] state of the environment, [3] new document, [4] document that is replaced.
-- Makes a document the current one if the record is still as expected ('' is none) and all of its
-- pieces are there. O(1); the old document is freed in the background.
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return 'closed' end
if (redis.call('HGET', KEYS[1], 'record') or '') ~= ARGV[1] then return 'changed' end
if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[3]) then return 'changed' end
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('UNLINK', KEYS[4])
return 'ok'
