#!lua
-- replace(flags, state, document, old; expected, record, pieces) -> 'ok' | 'changed' | 'closed'
-- KEYS[1] hash: the record of an environment's flags; KEYS[2] hash: the environment's state;
-- KEYS[3] hash: a document in pieces; KEYS[4] the one that it replaces. Makes the document the
-- current one if the record is still as expected ('' is none) and all of its pieces are there. One
-- step, O(1); the document before is freed in the background.
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return 'closed' end
if (redis.call('HGET', KEYS[1], 'record') or '') ~= ARGV[1] then return 'changed' end
if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[3]) then return 'changed' end
redis.call('PERSIST', KEYS[3])
redis.call('HSET', KEYS[1], 'record', ARGV[2])
redis.call('UNLINK', KEYS[4])
return 'ok'
