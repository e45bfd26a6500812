#!lua
-- publish(state, flags, pieces; revision seen, record) -> 'ok' | 'closed' | 'changed' | 'lost'
-- KEYS[1] hash: the state of the environment; KEYS[2] hash: which flags it has; KEYS[3] hash: the
-- new flags, which last from now on. Those before are removed. 'changed' when another revision
-- is there than the one seen ('' is none), 'lost' when the new flags were written too long ago.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 'closed' end
local found = redis.call('HGET', KEYS[2], 'record')
local revision = found and cjson.decode(found).revision or ''
if revision ~= ARGV[1] then return 'changed' end
if redis.call('PERSIST', KEYS[3]) == 0 then return 'lost' end
redis.call('HSET', KEYS[2], 'record', ARGV[2])
if revision ~= '' then redis.call('UNLINK', KEYS[2] .. ':' .. revision) end
return 'ok'
