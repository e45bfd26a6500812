#!lua
-- put_definitions(segments; record, mark, change, most bytes)
--   -> 'ok' | 'closed' | 'changed' | 'gone' | 'large'
-- KEYS[1] hash of a project's segments. Writes the definitions of flags that name segments, or
-- removes them: record is '' then, and 'gone' says that there are none. 'changed' when the mark is
-- no longer the one seen. Cost: grows with the record and the number of segments that it names.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 'closed' end
if not is_seen(ARGV[2]) then return 'changed' end
local found = redis.call('HGET', KEYS[1], 'definitions') or ''
if ARGV[1] == '' and found == '' then return 'gone' end
if is_too_large(#ARGV[1] - #found, ARGV[4]) then return 'large' end
local function each_user(record, act)
  for id, flags in pairs(record ~= '' and head_of(record).users or {}) do act('flags:' .. id, flags) end
end
each_user(found, function(field) redis.call('HDEL', KEYS[1], field) end)
each_user(ARGV[1], function(field, flags) redis.call('HSET', KEYS[1], field, cjson.encode(flags)) end)
if ARGV[1] == '' then
  redis.call('HDEL', KEYS[1], 'definitions')
else
  redis.call('HSET', KEYS[1], 'definitions', ARGV[1])
end
redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[1] - #found)
mark(ARGV[3], '')
return 'ok'
