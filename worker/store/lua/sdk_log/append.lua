#!lua flags=allow-oom
-- append(log, entries, refs, sdk_store; token, most bytes, ref, tag, field, hashes, ...)
--   -> number of the entry, or 0 when the log does not follow the list
-- Fields: `i+`, `i-`, `e+` and `e-`, each with digests of 32 bytes that are added to or removed
-- from a list. Drops the oldest entries beyond the bound, and those of more than a week. Also done when the server is out of memory: the bound
-- holds, and a removal that is not logged would be lost to relays.
-- Cost: that of the bytes, 20 µs for 160 KB.
if not may_write(KEYS[4], ARGV[1]) then return 0 end
if redis.call('HEXISTS', refs, ARGV[3]) == 0 then return 0 end
local fields = {}
for i = 5, #ARGV do fields[#fields + 1] = ARGV[i] end
local number = add(ARGV[4], ARGV[3], fields)

local bytes, oldest = tonumber(redis.call('HGET', log, 'bytes')), now_ms() - KEEP_S * 1000
local dropped, dropped_tag = nil, nil
local start = '-'
while true do
  local found = redis.call('XRANGE', entries, start, '+', 'COUNT', 1)[1]
  if not found then break end
  local entry = {}
  for i = 1, #found[2], 2 do entry[found[2][i]] = found[2][i + 1] end
  if bytes <= tonumber(ARGV[2]) and tonumber(entry.at) >= oldest then break end
  dropped, dropped_tag = string.match(found[1], '^(%d+)'), entry.tag
  bytes = bytes - tonumber(entry.size)
  start = '(' .. found[1]
end
if dropped then
  redis.call('HSET', log, 'floor', dropped, 'floor_tag', dropped_tag, 'bytes', bytes)
  redis.call('XTRIM', entries, 'MINID', (dropped + 1) .. '-0')
end
return number
