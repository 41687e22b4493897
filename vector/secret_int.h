/*
 * A key that a service was sent stays out of what is said about the service's answer.
 */
#ifndef FLOE_VECTOR_SECRET_INT_H
#define FLOE_VECTOR_SECRET_INT_H

#include "core/error.h"
#include "core/str.h"

/* Stars in the place of the key wherever the message has it, and of what is left of it where the message was cut within it. NULL
 * `err` and an empty key: nothing. */
void floe_secret_hide(floe_str key, floe_error *err);

#endif
