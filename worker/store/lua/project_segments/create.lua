#!lua
-- create(segments; id, slug, record, mark, change, most segments, most bytes)
--   -> 'ok' | 'closed' | 'changed' | 'taken' | 'full' | 'large'
-- KEYS[1] hash of a project's segments. Writes a record under a free id and slug; 'changed' when
-- the mark is no longer the one seen, 'closed' once the project is deleted, 'full' and 'large'
-- when the project holds as many segments, or bytes of them, as allowed.
if redis.call('HEXISTS', KEYS[1], 'closed') == 1 then return 'closed' end
if not is_seen(ARGV[4]) then return 'changed' end
if redis.call('HEXISTS', KEYS[1], 'slug:' .. ARGV[2]) == 1 then return 'taken' end
if redis.call('HEXISTS', KEYS[1], 'segment:' .. ARGV[1]) == 1 then return 'taken' end
if tonumber(redis.call('HGET', KEYS[1], 'count') or '0') >= tonumber(ARGV[6]) then return 'full' end
if is_too_large(#ARGV[3], ARGV[7]) then return 'large' end
redis.call('HSET', KEYS[1], 'segment:' .. ARGV[1], ARGV[3], 'slug:' .. ARGV[2], ARGV[1])
note(ARGV[5], ARGV[1], '', ARGV[3])
return 'ok'
