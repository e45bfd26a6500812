#!lua flags=no-writes
-- read_feed(record; after) -> {'gone'} | {'lost'}
--                           | {'ok', last id, revision that went live or '', op .. hash32, member, …}
-- What has changed the list after an entry, up to a flip, or 4,999 ops and up to 2,500 more. 'lost': there may be
-- changes that are not known any more. Cost: three commands, and a few µs an entry of 50 ops.
local MOST_FIELDS, FETCHED = 10000, 50
local _, floor = feed_bounds()
local after = ARGV[1]
if not floor or (after ~= floor and #redis.call('XRANGE', FEED, after, after) == 0) then
  return {redis.call('HEXISTS', record, 'deleted') == 1 and 'gone' or 'lost'}
end
local reply = {'ok', after, ''}
while #reply < MOST_FIELDS do
  local entries = redis.call('XRANGE', FEED, '(' .. reply[2], '+', 'COUNT', FETCHED)
  for _, entry in ipairs(entries) do
    local fields = entry[2]
    reply[2] = entry[1]
    if fields[3] == 'flip' then
      reply[3] = fields[4]
      return reply
    end
    for i = 3, #fields do reply[#reply + 1] = fields[i] end
  end
  if #entries < FETCHED then break end
end
return reply
