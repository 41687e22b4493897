/*
 * See secret_int.h.
 */
#include "vector/secret_int.h"

#include <string.h>

/* As many bytes of a key at the end of a message say nothing about it. */
#define HARMLESS 3

void floe_secret_hide(floe_str key, floe_error *err) {
    size_t len = err && key.len > 0 ? strlen(err->message) : 0;
    for (size_t at = 0; at < len; at++) {
        size_t left = len - at < key.len ? len - at : key.len;
        if ((left == key.len || left > HARMLESS) && memcmp(err->message + at, key.ptr, left) == 0) {
            memset(err->message + at, '*', left);
        }
    }
}
