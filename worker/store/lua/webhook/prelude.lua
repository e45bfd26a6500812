-- Put in front of every script in this folder when it is loaded.
--
-- KEYS[1]  hash  the environment's webhooks, id -> JSON
-- The names of a webhook's other keys begin with the name of that hash.
local webhooks = KEYS[1]

local function key_of(id, part)
  return webhooks .. ':' .. id .. ':' .. part
end

-- A record's fields; a damaged one has none, because it must not keep jobs from ending.
local function fields_of(record)
  local readable, found = pcall(cjson.decode, record)
  return readable and type(found) == 'table' and found or {}
end
