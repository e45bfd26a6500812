#!lua
-- update(segments, targeting, state; key, generation, version, definition, targeting,
--   change) -> 'ok' | 'changed' | 'gone'
-- KEYS[1] hash segments, KEYS[2] string targeting, KEYS[3] hash state of the environment.
-- Writes a definition and its targeting ('' is none) over those of this generation and
-- version; over any other it writes nothing. Cost: grows with the two texts.
local found = redis.call('HGET', KEYS[1], ARGV[1])
if not found then return 'gone' end
local current = cjson.decode(found)
if current.generation ~= tonumber(ARGV[2]) then return 'gone' end
if current.version ~= tonumber(ARGV[3]) then return 'changed' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
if ARGV[5] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[5])
end
redis.call('HSET', KEYS[3], 'changed', ARGV[6])
return 'ok'
