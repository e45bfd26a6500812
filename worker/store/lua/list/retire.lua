#!lua flags=allow-oom
-- retire(record) -> revisions retired
-- Moves every replaced revision that is due from 'retired:' to 'reclaim:'. Leaves
-- the live one, the base of a build, and those an unexpired pin holds. Forgets the figures
-- of imports published or superseded two days ago, of 250 fields a call. By the server's clock.
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
  if tonumber(until_ms) > now then keep(revision) else redis.call('HDEL', record, pins[i]) end
end
-- Any 250: which they are is left to chance, so that in the end each one's turn comes.
local some = redis.call('HRANDFIELD', record, LOOKED_AT, 'WITHVALUES')
for i = 1, #some, 2 do
  local kind = string.match(some[i], '^(%a+):')
  if kind == 'published' or kind == 'superseded' then
    local ended_ms = tonumber(string.match(some[i + 1], '^%d+'))
    if ended_ms + KEPT_MS < now then redis.call('HDEL', record, some[i]) end
  end
end
local retired, given_up = fields_like('retired:*'), 0
for i = 1, #retired, 2 do
  local name = string.match(retired[i], '^retired:(.+)$')
  if not kept[name] then
    local revision, after = string.match(retired[i + 1], '^(%S+ %d+ %d+) (%d+)$')
    if tonumber(after) <= now then
      redis.call('HDEL', record, retired[i])
      redis.call('HSET', record, 'reclaim:' .. name, revision)
      given_up = given_up + 1
    end
  end
end
return given_up
