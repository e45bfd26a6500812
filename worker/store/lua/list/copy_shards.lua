#!lua
-- copy_shards(record; import id, side, {shard, n, member × n}…) -> {copied, added}, or FENCED,
--                                                                  or DAMAGED
-- Copies shards of the base revision to the one being built and adds members to them;
-- up to 64 shards a call. copied counts the base's members, added the new ones.
-- Cost: 3 commands each, some 4 µs in all.
local id = ARGV[1]
if not may_write(id) then return fenced(id) end
local name = parse(redis.call('HGET', record, 'target'))
local base = parse(redis.call('HGET', record, 'base'))
local i, copied, added = 3, 0, 0
while i <= #ARGV do
  local index = tonumber(ARGV[i])
  local key = shard_key(name, ARGV[2], index)
  local last = i + 1 + tonumber(ARGV[i + 1])
  if redis.call('COPY', shard_key(base, ARGV[2], index), key, 'REPLACE') == 0
    or redis.call('SISMEMBER', key, SENTINEL) == 0 then
    return redis.error_reply('DAMAGED shard ' .. index .. ' of ' .. base .. ' is missing')
  end
  copied = copied + redis.call('SCARD', key) - 1
  for from = i + 2, last, 1000 do
    added = added + redis.call('SADD', key, unpack(ARGV, from, math.min(from + 999, last)))
  end
  i = last + 1
end
return {copied, added}
