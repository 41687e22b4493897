/* Base64, RFC 4648 section 4: the standard alphabet with padding. Thread: any. */
#ifndef FLOE_CORE_BASE64_H
#define FLOE_CORE_BASE64_H

#include "core/arena.h"
#include "core/buf.h"

/* Appends the text of `bytes`. */
void floe_base64_encode(floe_str bytes, floe_buf *out);

/* Owns: the bytes lie in the arena. Errors: INVALID for a foreign character, wrong padding, or leftover bits that are
 * not zero; LIMIT, NOMEM. */
floe_status floe_base64_decode(floe_str text, floe_arena *arena, floe_str *ret_bytes, floe_error *err);

#endif
