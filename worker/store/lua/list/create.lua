#!lua
-- create(record; token) -> 'ok' | 'deleted'
-- Makes an empty list: one shard a side, holding the sentinel. Running it twice changes nothing.
if redis.call('HGET', record, 'deleted') then return 'deleted' end
if redis.call('HGET', record, 'live') then return 'ok' end
local name = 'r0-' .. ARGV[1]
redis.call('SADD', shard_key(name, 'included', 0), SENTINEL)
redis.call('SADD', shard_key(name, 'excluded', 0), SENTINEL)
redis.call('HSET', record, 'live', name .. ' 0 0', 'included', 0, 'excluded', 0,
  'version', 1, 'modified', now_ms(), 'revision', 0,
  'since', now_ms() .. ' 1')
return 'ok'
