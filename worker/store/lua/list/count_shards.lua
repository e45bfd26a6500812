#!lua flags=no-writes
-- count_shards(record; revision name, side, first, last) -> {members, missing shards}
-- At most 128 shards a call. The sentinel is not a member: a shard is never without it, unless it
-- was lost and an edit has made it anew; then the members that went with it are missing here too.
-- Cost: 1 command each.
local start = prefix .. ARGV[1] .. ':' .. ARGV[2] .. ':'
local members, missing = 0, 0
for index = tonumber(ARGV[3]), tonumber(ARGV[4]) do
  local size = redis.call('SCARD', start .. string.format('%04x', index))
  if size > 0 then members = members + size - 1 else missing = missing + 1 end
end
return {members, missing}
