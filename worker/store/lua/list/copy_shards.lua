#!lua
-- copy_shards(record; import id, side, first, last, 'SADD' or 'SREM', {shard, n, member × n}…)
--   -> {copied, changed}, or FENCED, or DAMAGED
-- Copies shards of the base revision to the one being built, up to 64 a call, and adds members to
-- some of them or removes them. copied counts the base's members, changed those that were added or
-- removed. Cost: 3 commands a shard.
local id = ARGV[1]
if not may_write(id) then return fenced(id) end
local base = parse(redis.call('HGET', record, 'base'))
local from = prefix .. base .. ':' .. ARGV[2] .. ':'
local to = prefix .. parse(redis.call('HGET', record, 'target')) .. ':' .. ARGV[2] .. ':'
local copied, changed = 0, 0
for index = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local number = string.format('%04x', index)
  local key = to .. number
  if redis.call('COPY', from .. number, key, 'REPLACE') == 0
    or redis.call('SISMEMBER', key, SENTINEL) == 0 then
    return redis.error_reply('DAMAGED shard ' .. index .. ' of ' .. base .. ' is missing')
  end
  copied = copied + redis.call('SCARD', key) - 1
end
local i = 6
while i <= #ARGV do
  local key = to .. string.format('%04x', tonumber(ARGV[i]))
  local last = i + 1 + tonumber(ARGV[i + 1])
  for at = i + 2, last, 1000 do
    changed = changed + redis.call(ARGV[5], key, unpack(ARGV, at, math.min(at + 999, last)))
  end
  i = last + 1
end
return {copied, changed}
