-- Raises the position, unless a higher one is there. Called by RedisStore.raise_position.
--
-- KEYS[1]       the epoch's key, see put.lua
-- KEYS[2]       "incarnation:epoch:bytes": how far the log of the primary was written, in the epoch of the catalogue
-- ARGV[1]       the incarnation that the caller knew before it read the position
-- ARGV[2]       the epoch
-- ARGV[3]       bytes of the log
-- returns       1, or 0 in another incarnation, where nothing is stored
--
-- Higher means a higher (epoch, bytes): after a failover the bytes of a new epoch may be fewer. In a new incarnation
-- the first position must be read after that began, as it has to cover what was announced before.

local incarnation = string.match(redis.call('GET', KEYS[1]) or '', '^%d+:(%d+):')
if incarnation ~= ARGV[1] then
    return 0
end
local own, epoch, bytes = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+):(%d+):(%d+)$')
local ahead = tonumber(ARGV[2]) - tonumber(epoch or -1)
if own ~= ARGV[1] or ahead > 0 or (ahead == 0 and tonumber(ARGV[3]) > tonumber(bytes)) then
    redis.call('SET', KEYS[2], ARGV[1] .. ':' .. ARGV[2] .. ':' .. ARGV[3])
end
return 1
