-- Put in front of every script about the segments of a project.

-- Whether 'changed' is still the mark that the caller has seen; '' is any, 'none' is none.
local function is_seen(mark)
  return mark == '' or (redis.call('HGET', KEYS[1], 'changed') or 'none') == mark
end

-- The revision of a record: its first line is JSON.
local function revision_of(record)
  return cjson.decode(string.match(record, '^[^\n]*')).revision
end

-- Notes what a change made of the records, and marks it.
local function note(change, records, bytes)
  redis.call('HINCRBY', KEYS[1], 'count', records)
  redis.call('HINCRBY', KEYS[1], 'bytes', bytes)
  redis.call('HSET', KEYS[1], 'changed', change)
end

-- Whether the records would be larger than allowed after growing by this many bytes.
local function is_too_large(bytes, most)
  return bytes > 0 and tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0') + bytes > tonumber(most)
end
