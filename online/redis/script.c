/*
 * The scripts that decide inside Redis.
 *
 * Rows are compared by the 16 bytes of proto/row.h (event time, created time, big-endian with the sign turned), one
 * byte after the other: a Lua number is a double and loses microseconds, and `<` on Lua strings asks the locale.
 */
#include "online/redis/redis_int.h"

/* KEYS[1]: the entity's hash. ARGV: the row, "1" to keep the stored row on a tie, the fields. Answers 1 when the first
 * field got the row. */
const char floe_redis_write_script[] = "local row, keep = ARGV[1], ARGV[2] == '1'\n"
                                       "local first = 1\n"
                                       "for i = 3, #ARGV do\n"
                                       "  local old = redis.call('HGET', KEYS[1], ARGV[i])\n"
                                       "  local wins = true\n"
                                       "  if old and #old >= 18 then\n"
                                       "    local order = 0\n"
                                       "    for at = 3, 18 do\n"
                                       "      order = string.byte(old, at) - string.byte(row, at)\n"
                                       "      if order ~= 0 then break end\n"
                                       "    end\n"
                                       "    wins = order < 0 or (order == 0 and not keep)\n"
                                       "  end\n"
                                       "  if wins then\n"
                                       "    redis.call('HSET', KEYS[1], ARGV[i], row)\n"
                                       "  elseif i == 3 then\n"
                                       "    first = 0\n"
                                       "  end\n"
                                       "end\n"
                                       "return first\n";

/* KEYS[1]: the hash of states. ARGV: view, expected state (empty: none), desired state. */
const char floe_redis_swap_script[] = "local now = redis.call('HGET', KEYS[1], ARGV[1]) or ''\n"
                                      "if now ~= ARGV[2] then return 0 end\n"
                                      "redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])\n"
                                      "return 1\n";
