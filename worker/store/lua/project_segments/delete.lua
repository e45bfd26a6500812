#!lua flags=allow-oom
-- delete(segments; id, slug, revision, change) -> 'ok' | 'changed' | 'gone' | 'used'
-- KEYS[1] hash of a project's segments. Removes the record of this revision and its slug;
-- 'changed' when it has another, 'used' when other segments or flags name it.
local found = redis.call('HGET', KEYS[1], 'segment:' .. ARGV[1])
if not found then return 'gone' end
if head_of(found).revision ~= ARGV[3] then return 'changed' end
if redis.call('HEXISTS', KEYS[1], 'users:' .. ARGV[1]) == 1 then return 'used' end
if redis.call('HEXISTS', KEYS[1], 'flags:' .. ARGV[1]) == 1 then return 'used' end
redis.call('HDEL', KEYS[1], 'segment:' .. ARGV[1], 'slug:' .. ARGV[2])
note(ARGV[4], ARGV[1], found, '')
return 'ok'
