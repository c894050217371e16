-- Stores one entry unless what is stored is newer, in a cluster, where a call has keys of one slot. Called by
-- NodeStore.put after put.lua, which has just given epoch and incarnation; after order.lua.
--
-- KEYS[1]   name of the entry
-- ARGV[1]   the latest time at which it may be stored, in microseconds by this server's clock; empty for any
-- ARGV[2]   epoch of the node
-- ARGV[3]   incarnation of the node
-- ARGV[4]   its bytes
-- ARGV[5]   its TTL in milliseconds
-- returns   1 if it was stored, else 0

if ARGV[1] ~= '' and tonumber(ARGV[1]) < microseconds() then
    return 0
end
return store(KEYS[1], ARGV[4], ARGV[5], tonumber(ARGV[2]), tonumber(ARGV[3])) and 1 or 0
