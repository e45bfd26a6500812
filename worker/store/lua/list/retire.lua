#!lua flags=allow-oom
-- retire(record) -> revisions retired
-- Moves every replaced revision that is due from 'retired:' to 'reclaim:'. Leaves
-- the live one, the base of a build, and those an unexpired pin holds. Forgets the figures
-- of imports published or superseded two days ago. By the server's clock.
local KEPT_MS = 2 * 86400 * 1000
local now = now_ms()
local fields = redis.call('HGETALL', record)
local kept = {}
local function keep(revision)
  if revision then kept[(parse(revision))] = true end
end
for i = 1, #fields, 2 do
  if fields[i] == 'live' or fields[i] == 'base' or fields[i] == 'target' then
    keep(fields[i + 1])
  elseif string.sub(fields[i], 1, 4) == 'pin:' then
    local revision, until_ms = string.match(fields[i + 1], '^(%S+ %d+ %d+) (%d+)$')
    if tonumber(until_ms) > now then keep(revision) else redis.call('HDEL', record, fields[i]) end
  elseif string.sub(fields[i], 1, 10) == 'published:'
    or string.sub(fields[i], 1, 11) == 'superseded:' then
    local published_ms = tonumber(string.match(fields[i + 1], '^%d+'))
    if published_ms + KEPT_MS < now then redis.call('HDEL', record, fields[i]) end
  end
end
local given_up = 0
for i = 1, #fields, 2 do
  local name = string.match(fields[i], '^retired:(.+)$')
  if name and not kept[name] then
    local revision, after = string.match(fields[i + 1], '^(%S+ %d+ %d+) (%d+)$')
    if tonumber(after) <= now then
      redis.call('HDEL', record, fields[i])
      redis.call('HSET', record, 'reclaim:' .. name, revision)
      given_up = given_up + 1
    end
  end
end
return given_up
