#!lua
-- prepare(record; import id, included bits, excluded bits, side) -> target, or FENCED
-- prepare(record; import id) -> target, or FENCED when it is not prepared
-- Fixes, once, how many shards the new revision has; before it nothing can be written.
-- Opens the fence, again if it was lost.
-- The list of the other side than this one never gets fewer than the live one has.
local id = ARGV[1]
if not holds(id) then return fenced(id) end
if not redis.call('HGET', record, 'prepared') then
  if #ARGV == 1 then return redis.error_reply('FENCED the size of import ' .. id .. ' is lost') end
  local name = parse(redis.call('HGET', record, 'target'))
  local _, live = parse(redis.call('HGET', record, 'live'))
  local bits = {included = tonumber(ARGV[2]), excluded = tonumber(ARGV[3])}
  local kept = ARGV[4] == 'included' and 'excluded' or 'included'
  bits[kept] = math.max(bits[kept], live[kept])
  redis.call('HSET', record, 'prepared', 1, 'target', format_revision(name, bits))
end
if may_write(id) then open_fence() end
return redis.call('HGET', record, 'target')
