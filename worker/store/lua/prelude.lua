-- Put in front of every script when it is loaded, before the prelude of the script's folder.

-- Unix milliseconds by the server's clock.
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
