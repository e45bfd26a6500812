#!lua flags=no-writes
-- read_changes(segments; mark, most bytes) -> {mark, 1, id, record…}, or {mark, 0} if unknown
-- KEYS[1] hash of a project's segments. What has changed since it had the given mark, each id once
-- with its record of now, if there is one, and the id '' the definitions of flags. Unknown when too much
-- has changed, or when the mark is not one of this history. Cost: grows with the changes.
local now = redis.call('HGET', KEYS[1], 'changed') or 'none'
if now == ARGV[1] then return {now, 1} end
local from, name = string.match(ARGV[1], '^(%d+) %d+ (.*)$')
local to = string.match(now, '^%d+')
local found = {now, 1}
local bytes, seen = 0, {}
-- A server that went back to an earlier state may give a number twice; the name is never the same.
if not from or not to or not is_change(from, name) then return {now, 0} end
for number = from + 1, tonumber(to) do
  local id = changed_id(number)
  if not id then return {now, 0} end
  if not seen[id] then
    seen[id] = true
    local record = redis.call('HGET', KEYS[1], id == '' and 'definitions' or 'segment:' .. id)
    found[#found + 1], found[#found + 2] = id, record
    bytes = bytes + (record and #record or 0)
    if bytes > tonumber(ARGV[2]) then return {now, 0} end
  end
end
return found
