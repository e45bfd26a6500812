#!lua
-- pin(record; export id, ttl_ms) -> {revision, included} | {} when there is no live list
-- Keeps the live revision from being retired until the pin is removed or ends. Pinning
-- again for one export renews the pin on the revision it has.
local field = 'pin:' .. ARGV[1]
local pinned = redis.call('HGET', record, field)
local until_ms = now_ms() + tonumber(ARGV[2])
local revision = redis.call('HGET', record, 'live')
if not revision then return {} end
if pinned then revision = string.match(pinned, '^(%S+ %d+ %d+)') end
redis.call('HSET', record, field, revision .. ' ' .. until_ms)
return {revision, tonumber(redis.call('HGET', record, 'included'))}
