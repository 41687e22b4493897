/*
 * The typed accessors of trees report INVALID or NOT_FOUND. In a file that some writer made, both mean damage.
 */
#ifndef FLOE_OFFLINE_ICEBERG_CORRUPT_H
#define FLOE_OFFLINE_ICEBERG_CORRUPT_H

#include "core/error.h"

/* What to do where a file that a snapshot names is damaged. */
#define FLOE_CORRUPT_ADVICE "restore it, or read an earlier snapshot"

static inline floe_status floe_as_corrupt(floe_status status, floe_error *err) {
    if (status.code != FLOE_INVALID && status.code != FLOE_NOT_FOUND) {
        return status;
    }
    if (err != NULL && err->code == status.code) {
        err->code = FLOE_CORRUPT;
    }
    return (floe_status){FLOE_CORRUPT};
}

#endif
