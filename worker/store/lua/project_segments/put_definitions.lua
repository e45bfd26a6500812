#!lua
-- put_definitions(segments; record, mark, change, most bytes)
--   -> 'ok' | 'closed' | 'changed' | 'gone' | 'large'
-- KEYS[1] hash of a project's segments. Writes the definitions of flags that name segments, or
-- removes them: record is '' then, and 'gone' says that there are none. 'changed' when the mark is
-- no longer the one seen. Cost: grows with the record.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 'closed' end
if not is_seen(ARGV[2]) then return 'changed' end
local found = redis.call('HGET', KEYS[1], 'definitions') or ''
if ARGV[1] == '' then
  if redis.call('HDEL', KEYS[1], 'definitions') == 0 then return 'gone' end
else
  if is_too_large(#ARGV[1] - #found, ARGV[4]) then return 'large' end
  redis.call('HSET', KEYS[1], 'definitions', ARGV[1])
end
note(ARGV[3], 0, #ARGV[1] - #found)
return 'ok'
