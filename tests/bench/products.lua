-- Random products out of the file IDS, an id a line: BEFORE, the id, AFTER, with the headers of one of a thousand browsers,
-- each with ENCODINGS as its Accept-Encoding.
local before, after = "GET " .. os.getenv("BEFORE"), os.getenv("AFTER") .. " HTTP/1.1\r\n"
local encodings = os.getenv("ENCODINGS") == "" and "" or "\r\nAccept-Encoding: " .. os.getenv("ENCODINGS")
local ids, headers = {}, {}
for id in io.lines(os.getenv("IDS")) do
  ids[#ids + 1] = id
end
math.randomseed(os.time())
for client = 1, tonumber(os.getenv("CLIENTS")) do
  headers[client] = after .. "Host: bench\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Bench/" .. client
    .. encodings .. "\r\nAccept: application/json\r\nAccept-Language: en-GB,en;q=0.5\r\nCookie: cart="
    .. string.format("%08x%08x", math.random(2 ^ 31), math.random(2 ^ 31)) .. "\r\n\r\n"
end
request = function()
  return before .. ids[math.random(#ids)] .. headers[math.random(#headers)]
end
