#!lua flags=no-writes
-- count_shards(record; revision name, side, first, last) -> {members, shards without sentinel}
-- At most 4,096 shards a call. The sentinel is not a member.
local members, missing = 0, 0
for index = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local key = shard_key(ARGV[1], ARGV[2], index)
  if redis.call('SISMEMBER', key, SENTINEL) == 1 then
    members = members + redis.call('SCARD', key) - 1
  else
    missing = missing + 1
  end
end
return {members, missing}
