#!lua
-- update(segments; id, revision, record, mark, change, most bytes)
--   -> 'ok' | 'changed' | 'gone' | 'large'
-- KEYS[1] hash of a project's segments. Writes a record over the one of this revision;
-- 'changed' when it has another, or when the mark is no longer the one seen. Cost: grows with the
-- two records.
local found = redis.call('HGET', KEYS[1], 'segment:' .. ARGV[1])
if not found then return 'gone' end
if head_of(found).revision ~= ARGV[2] or not is_seen(ARGV[4]) then return 'changed' end
if is_too_large(#ARGV[3] - #found, ARGV[6]) then return 'large' end
redis.call('HSET', KEYS[1], 'segment:' .. ARGV[1], ARGV[3])
note(ARGV[5], ARGV[1], found, ARGV[3])
return 'ok'
