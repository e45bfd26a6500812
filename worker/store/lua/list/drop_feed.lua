#!lua flags=allow-oom
-- drop_feed(record; after, most entries, member, ms) -> {'waits'} | {'dropped'} | {'ok', last id or ''}
-- Looks for a member in a part of the feed, from after an entry on; the id is '' once nothing is left.
-- 'waits': the entry is younger than so many ms, and those who follow are to apply and trim it; one
-- that is older drops the feed, and they compare the whole list. Cost: a few µs an entry of 50 ops.
local entries = redis.call('XRANGE', FEED, ARGV[1], '+', 'COUNT', ARGV[2])
for _, entry in ipairs(entries) do
  local fields = entry[2]
  for i = 4, #fields, 2 do
    if fields[i] == ARGV[3] and fields[i - 1] ~= 'flip' then
      local ms = tonumber(string.match(entry[1], '^%d+'))
      if ms + tonumber(ARGV[4]) > now_ms() then return {'waits'} end
      drop_feed()
      return {'dropped'}
    end
  end
end
local last = entries[#entries]
return {'ok', last and last[1] or ''}
