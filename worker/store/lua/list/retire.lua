#!lua flags=allow-oom
-- retire(record; most kept, for how many ms) -> revisions retired
-- Moves replaced revisions from 'retired:' to 'reclaim:', when they may be freed. Leaves the last
-- ones replaced, so many and for so long, to be published again; a re-sharded one never. Leaves
-- the live one, the base of a build, and those an unexpired pin holds. Forgets the figures
-- of imports published, superseded or cancelled two days ago, of 250 fields a call. By the server's clock.
local KEPT_MS, LOOKED_AT = 2 * 86400 * 1000, 250
local now = now_ms()
local kept = {}
local function keep(revision)
  if revision then kept[(parse(revision))] = true end
end
for _, field in ipairs({'live', 'base', 'target'}) do keep(redis.call('HGET', record, field)) end
local pins = fields_like('pin:*')
for i = 1, #pins, 2 do
  local revision, until_ms = string.match(pins[i + 1], '^(%S+ %d+ %d+) (%d+)$')
  if tonumber(until_ms) > now then
    keep(revision)
  else
    local holder = string.match(pins[i], '^pin:(.+)$')
    redis.call('HDEL', record, pins[i], 'snapshot:' .. holder, 'follow:' .. holder)
  end
end
if redis.call('HEXISTS', record, 'changes') == 1 then drop_unread_changes() end
if redis.call('HEXISTS', record, 'feed') == 1 then drop_unread_feed() end
-- Any 250: which they are is left to chance, so that in the end each one's turn comes.
local some = redis.call('HRANDFIELD', record, LOOKED_AT, 'WITHVALUES')
for i = 1, #some, 2 do
  local kind = string.match(some[i], '^(%a+):')
  if kind == 'published' or kind == 'superseded' or kind == 'cancelled' then
    local ended_ms = tonumber(string.match(some[i + 1], '^%d+'))
    if ended_ms + KEPT_MS < now then redis.call('HDEL', record, some[i]) end
  end
end
-- Those that can be published again, the last one replaced first.
local retired, replaced, given_up = fields_like('retired:*'), {}, 0
for i = 1, #retired, 2 do
  local name = string.match(retired[i], '^retired:(.+)$')
  local revision, free_ms, rest = string.match(retired[i + 1], '^(%S+ %d+ %d+) (%d+)(.*)$')
  replaced[#replaced + 1] = {name = name, revision = revision, free_ms = tonumber(free_ms),
    replaced_ms = tonumber(string.match(rest, '^ (%d+)') or '0'),
    number = tonumber(string.match(name, '^r(%d+)'))}
end
table.sort(replaced, function(a, b)
  if a.replaced_ms ~= b.replaced_ms then return a.replaced_ms > b.replaced_ms end
  return a.number > b.number
end)
local most, age_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
for place, old in ipairs(replaced) do
  local stays = kept[old.name] or old.free_ms > now
    or (place <= most and old.replaced_ms + age_ms > now)
  if not stays then
    redis.call('HDEL', record, 'retired:' .. old.name)
    redis.call('HSET', record, 'reclaim:' .. old.name, old.revision)
    given_up = given_up + 1
  end
end
return given_up
