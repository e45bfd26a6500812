#!lua flags=allow-oom
-- keep(log, entries, refs, sdk_store; token, digest[, tag, ref, ...])
--   -> 0 when there is nothing to do, or 1 when it is to be called again with all lists
-- Has the log follow exactly these lists, which the digest stands for. One that is new is begun by
-- an entry: relays are sent the whole list, then what changes it. Also done when the server is out
-- of memory, as edits that remove are; what it adds is small.
-- Cost: two reads while the lists are the same; a few steps for each list else.
if not may_write(KEYS[4], ARGV[1]) then return 0 end
if redis.call('HGET', log, 'kept') == ARGV[2] then return 0 end
if #ARGV == 2 then return 1 end
local wanted = {}
for i = 4, #ARGV do
  local ref = ARGV[i]
  wanted[ref] = true
  if redis.call('HEXISTS', refs, ref) == 0 then
    redis.call('HSET', refs, ref, add(ARGV[3], ref, {}))
  end
end
for _, ref in ipairs(redis.call('HKEYS', refs)) do
  if not wanted[ref] then redis.call('HDEL', refs, ref) end
end
expire_with_log(refs)
redis.call('HSET', log, 'kept', ARGV[2])
return 0
