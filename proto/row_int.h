/*
 * Lists inside a feature row.
 */
#ifndef FLOE_PROTO_ROW_INT_H
#define FLOE_PROTO_ROW_INT_H

#include "proto/row.h"

/* Appends count, null bits and elements. Errors: INVALID for an element that is neither null nor of the element
 * type. */
floe_status floe_row_put_list(const floe_value *list, floe_buf *out, floe_error *err);

/* Reads a list that fills `bytes`; items lie in the arena, their text borrows. Errors: CORRUPT; LIMIT, NOMEM. */
floe_status floe_row_get_list(floe_str bytes, floe_type type, floe_arena *arena, floe_value *ret_value,
                              floe_error *err);

#endif
