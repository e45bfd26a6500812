-- Put in front of every script in this folder when it is loaded.
--
-- KEYS[1]  hash  the environment's webhooks, id -> JSON
-- The names of a webhook's other keys begin with the name of that hash.
local webhooks = KEYS[1]

local function key_of(id, part)
  return webhooks .. ':' .. id .. ':' .. part
end
