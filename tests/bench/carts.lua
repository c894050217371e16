-- Additions to the carts whose tokens are in the file CARTS, one a line; without any, each opens a new cart. A peer takes the
-- place in the file for the cart's name. KEYED gives each an Idempotency-Key.
local tokens, keyed, sent = {}, os.getenv("KEYED") ~= "", 0
for token in io.lines(os.getenv("CARTS")) do
  tokens[#tokens + 1] = token
end
math.randomseed(os.time())
local run = string.format("%08x", math.random(2 ^ 31))
request = function()
  sent = sent + 1
  local place = #tokens > 0 and math.random(#tokens) or sent
  local body = string.format('{"session_id":"%s-%d","sku_id":%d}', #tokens > 0 and "cart" or run, place, math.random(1000))
  local head = "POST /cart HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: " .. #body
  if #tokens > 0 then
    head = head .. "\r\nX-Cart-Token: " .. tokens[place]
  end
  if keyed then
    head = head .. "\r\nIdempotency-Key: " .. run .. "-" .. sent
  end
  return head .. "\r\n\r\n" .. body
end
