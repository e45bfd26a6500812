#!lua flags=allow-oom
-- read(log, entries, refs; new epoch, tag, epoch, number, tag of the last entry read, most changes)
--   -> {epoch, head, its tag, whether it is kept, whether that entry is known, entries}
-- Opens the log if there is none, and has it kept for a week from now. Entries are those that
-- follow, at least one, each {number, its fields}; none without a number. An entry is known by its
-- epoch, number and tag together, so that one which a restored server has lost is not.
-- Cost: two reads, and a few steps for each entry.
if redis.call('EXISTS', log) == 0 then
  redis.call('UNLINK', entries, refs)
  redis.call('HSET', log, 'epoch', ARGV[1], 'head', 0, 'head_tag', ARGV[2], 'floor', 0,
    'floor_tag', ARGV[2], 'bytes', 0)
end
if redis.call('PTTL', log) < (KEEP_S - 3600) * 1000 then
  for _, key in ipairs({log, entries, refs}) do redis.call('EXPIRE', key, KEEP_S) end
end
local epoch, head, head_tag, floor, floor_tag, kept = unpack(redis.call('HMGET', log,
  'epoch', 'head', 'head_tag', 'floor', 'floor_tag', 'kept'))
local answer = {epoch, tonumber(head), head_tag, kept and 1 or 0, 0, {}}
if ARGV[4] == '' then return answer end

local number, tag = tonumber(ARGV[4]), nil
if number == tonumber(head) then
  tag = head_tag
elseif number == tonumber(floor) then
  tag = floor_tag
else
  local id = ARGV[4] .. '-0'
  local found = redis.call('XRANGE', entries, id, id)[1]
  if found then
    for i = 1, #found[2], 2 do
      if found[2][i] == 'tag' then tag = found[2][i + 1] end
    end
  end
end
if epoch ~= ARGV[3] or tag ~= ARGV[5] then return answer end
answer[5] = 1

local left, last = tonumber(ARGV[6]), ARGV[4] .. '-0'
while left > 0 do
  local found = redis.call('XRANGE', entries, '(' .. last, '+', 'COUNT', 1)[1]
  if not found then break end
  local changes = 1
  for i = 1, #found[2], 2 do
    local field = found[2][i]
    if string.match(field, '^[ie][+-]$') then changes = changes + #found[2][i + 1] / 32 end
  end
  if changes > left and #answer[6] > 0 then break end
  answer[6][#answer[6] + 1] = {tonumber(string.match(found[1], '^(%d+)')), found[2]}
  left, last = left - changes, found[1]
end
return answer
