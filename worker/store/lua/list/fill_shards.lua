#!lua
-- fill_shards(record; import id, side, {shard, n, member × n}…) -> shards written, or FENCED
-- Writes whole shards of the revision being built, up to 32 a call, for a server that does not
-- take our RESTORE payload.
local id = ARGV[1]
if not may_write(id) then return fenced(id) end
local name = parse(redis.call('HGET', record, 'target'))
local i, written = 3, 0
while i <= #ARGV do
  local key = shard_key(name, ARGV[2], tonumber(ARGV[i]))
  local last = i + 1 + tonumber(ARGV[i + 1])
  redis.call('UNLINK', key)
  redis.call('SADD', key, SENTINEL)
  for from = i + 2, last, 1000 do
    redis.call('SADD', key, unpack(ARGV, from, math.min(from + 999, last)))
  end
  i, written = last + 1, written + 1
end
return written
