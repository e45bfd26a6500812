#!lua flags=allow-oom
-- delete(segments; id, slug, revision, mark, change) -> 'ok' | 'changed' | 'gone'
-- KEYS[1] hash of a project's segments. Removes the record of this revision and its slug;
-- 'changed' when it has another, or when the mark is no longer the one seen.
local found = redis.call('HGET', KEYS[1], 'segment:' .. ARGV[1])
if not found then return 'gone' end
if revision_of(found) ~= ARGV[3] or not is_seen(ARGV[4]) then return 'changed' end
redis.call('HDEL', KEYS[1], 'segment:' .. ARGV[1], 'slug:' .. ARGV[2])
note(ARGV[5], -1, -#found)
return 'ok'
