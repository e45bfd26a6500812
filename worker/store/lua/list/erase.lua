#!lua flags=allow-oom
-- erase(record, edits; erasure id, hash32, member)
--   -> {included, excluded, revisions, schedules}, or {} when there is no such list any more
-- Removes a member from all that the list has, in one step: both lists of the live revision, of
-- those that were replaced and of those that are to be freed, and its schedules. From a revision
-- that is being built its journal removes it, which wins over what the import has read. The figures are
-- those of all calls for this erasure: removals from the live lists, other revisions that had it,
-- and schedules. It is no edit of the live revision, because every other one has it too. Cost: 2
-- commands a revision.
if redis.call('EXISTS', record) == 0 then return {} end
local field, hash32, member = 'erased:' .. ARGV[1], ARGV[2], ARGV[3]
local before = redis.call('HGET', record, field) or '0 0 0 0 -'
local included, excluded, revisions, schedules, build =
  string.match(before, '^(%d+) (%d+) (%d+) (%d+) (%S+)$')

local function take_from(revision)
  local name, bits = parse(revision)
  local taken = {}
  for _, side in ipairs({'included', 'excluded'}) do
    local shard = shard_key(name, side, shard_of(hash32, bits[side]))
    taken[side] = redis.call('SREM', shard, member)
  end
  return taken, taken.included + taken.excluded > 0
end

local live, taken, any = redis.call('HGET', record, 'live'), nil, false
if live then taken, any = take_from(live) end
if any then
  included, excluded = included + taken.included, excluded + taken.excluded
  local since_version, since_ms = became_live()
  local import, import_version = string.match(
    redis.call('HGET', record, 'last_import') or '', '^(%S+ %d+) (%d+)$')
  redis.call('HINCRBY', record, 'included', -taken.included)
  redis.call('HINCRBY', record, 'excluded', -taken.excluded)
  redis.call('HINCRBY', record, 'version', 1)
  redis.call('HSET', record, 'modified', now_ms(), 'since', since_ms .. ' ' .. since_version + 1)
  if import then
    redis.call('HSET', record, 'last_import', import .. ' ' .. import_version + 1)
  end
end
local building = redis.call('HGET', record, 'building')
if building and (any or building ~= build) then
  write_journal({'i-' .. hash32, member, 'e-' .. hash32, member})
  build = building
end
local replaced, freed = fields_like('retired:*'), fields_like('reclaim:*')
local in_replaced = false
for i = 1, #replaced, 2 do
  local revision, rest = string.match(replaced[i + 1], '^(%S+ %d+ %d+)(.*)$')
  local had, some = take_from(revision)
  if some then
    revisions, in_replaced = revisions + 1, true
    -- Its counts are compared with its shards when it is published again.
    local times, of_included, of_excluded, more = string.match(
      rest, '^( %d+ %d+ %d+ )(%d+) (%d+)( .+)$')
    if times then
      redis.call('HSET', record, replaced[i], revision .. times
        .. of_included - had.included .. ' ' .. of_excluded - had.excluded .. more)
    end
  end
end
local in_freed = false
for i = 2, #freed, 2 do
  local _, some = take_from(freed[i])
  in_freed = in_freed or some
end
-- Who follows the list may have it of any of them.
if any or in_freed or in_replaced then
  feed_ops({'i-' .. hash32, member, 'e-' .. hash32, member})
end
local names = {schedule_name('i', hash32, member), schedule_name('e', hash32, member)}
for _, name in ipairs(names) do schedules = schedules + redis.call('HEXISTS', DETAILS, name) end
drop_schedules(names)
local figures = {tonumber(included), tonumber(excluded), tonumber(revisions), tonumber(schedules)}
local after = table.concat(figures, ' ') .. ' ' .. build
if after ~= '0 0 0 0 -' then redis.call('HSET', record, field, after) end
return figures
