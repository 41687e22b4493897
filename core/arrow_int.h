/* Shared by the arrow files only: an allocated copy of a text, and the release of our own schemas. */
#ifndef FLOE_CORE_ARROW_INT_H
#define FLOE_CORE_ARROW_INT_H

#include "core/arrow.h"

/* The Arrow format of a scalar type into buf (a list has "+l" and its child's own). */
#define FLOE_ARROW_FORMAT_MAX 16
const char *floe_arrow_format(floe_type type, char buf[FLOE_ARROW_FORMAT_MAX]);

/* The type of a list's items. */
floe_type floe_arrow_item_type(floe_type list);

#endif
