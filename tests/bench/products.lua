-- Random products out of the file IDS, an id a line: BEFORE, the id, AFTER.
local before, after = "GET " .. os.getenv("BEFORE"), os.getenv("AFTER") .. " HTTP/1.1\r\nHost: bench\r\n\r\n"
local ids = {}
for id in io.lines(os.getenv("IDS")) do
  ids[#ids + 1] = id
end
math.randomseed(os.time())
request = function()
  return before .. ids[math.random(#ids)] .. after
end
